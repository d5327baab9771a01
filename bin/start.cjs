/*
 * The first file that Node reads: refuses a Node that is too old, turns the compile cache on and hands over to the bundle.
 * The syntax here is one that old ones understand, or the refusal would be a syntax error.
 */
'use strict';

const fs = require('fs');
const path = require('path');

/** Exit code for an installation that cannot run: EX_SOFTWARE of sysexits.h. */
const EX_SOFTWARE = 70;
const LEAST_MAJOR = 22;

const dist = path.join(__dirname, '..', 'dist');
const bundle = path.join(dist, 'sluice.js');

function refuse(message) {
  fs.writeSync(2, `error: ${message}\n`);
  process.exit(EX_SOFTWARE);
}

/** Code comes only from a directory that is ours and that nobody else can write to: root must not load other people's. */
function isOurs(directory) {
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  return stat !== undefined && stat.uid === process.getuid() && (stat.mode & 0o022) === 0;
}

if (parseInt(process.versions.node, 10) < LEAST_MAJOR) {
  refuse(`sluice needs Node ${LEAST_MAJOR} or newer; this is ${process.versions.node} (${process.execPath})`);
}
if (!fs.existsSync(bundle)) refuse(`sluice is not built: run "npm run build" in ${path.dirname(dist)}`);

const cache = path.join(dist, '.cache');
if (isOurs(cache)) require('module').enableCompileCache(cache);
import(bundle);
