/*
 * The first file that Node reads: refuses a Node that is too old (so it is written for one), turns the compile cache on,
 * and hands over to the bundle.
 */
'use strict';

var fs = require('node:fs');
var path = require('node:path');

/** Exit code for an installation that cannot run, sysexits.h EX_SOFTWARE. */
var EX_SOFTWARE = 70;
var LEAST_MAJOR = 22;

var dist = path.join(__dirname, '..', 'dist');
var bundle = path.join(dist, 'sluice.cjs');

function refuse(message) {
  fs.writeSync(2, 'error: ' + message + '\n');
  process.exit(EX_SOFTWARE);
}

/** Code comes only from a directory that is ours and that nobody else can write to: root must not load other people's. */
function isOurs(directory) {
  var stat = fs.statSync(directory, { throwIfNoEntry: false });
  return stat !== undefined && stat.uid === process.getuid() && (stat.mode & 0o022) === 0;
}

if (parseInt(process.versions.node, 10) < LEAST_MAJOR) {
  refuse('sluice needs Node ' + LEAST_MAJOR + ' or newer; this is ' + process.versions.node + ' (' + process.execPath + ')');
}
if (!fs.existsSync(bundle)) refuse('sluice is not built: run "npm run build" in ' + path.dirname(dist));

var cache = path.join(dist, '.cache');
if (isOurs(cache)) require('node:module').enableCompileCache(cache);
require(bundle);
