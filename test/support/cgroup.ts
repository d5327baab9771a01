/** A cgroup of the test's own, and what sockets can do in one. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a directory of cgroup2 and removes it however `use` ends. */
export async function withCgroup<T>(label: string, use: (path: string) => T | Promise<T>): Promise<T> {
  const root = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((line) => / - cgroup2 /.test(line))?.split(' ')[4];
  if (root === undefined) throw new Error('this test needs cgroup2: mount it at /sys/fs/cgroup');
  const path = join(root, `slt${process.pid}${label}`);
  mkdirSync(path);
  try {
    return await use(path);
  } finally {
    rmdirSync(path);
  }
}

/** Goes through everything that a hook of a cgroup may see: sockets of each family, options, names, a device, a sysctl. */
const EXERCISE = String.raw`
use Socket; use Socket qw(inet_pton AF_INET6 pack_sockaddr_in6 AF_UNIX pack_sockaddr_un);
open(my $procs, '>', "$ARGV[0]/cgroup.procs") or die "cgroup.procs: $!"; syswrite($procs, $$); close $procs;
my $folder = $ARGV[1];
sub refused { print STDOUT "refused $_[0]: $!\n" unless $_[1] }
for my $family (AF_INET, AF_INET6) {
  my $six = $family == AF_INET6;
  my $at = sub { $six ? pack_sockaddr_in6($_[0], inet_pton(AF_INET6, '::1')) : pack_sockaddr_in($_[0], inet_aton('127.0.0.1')) };
  socket(my $server, $family, SOCK_STREAM, 0); setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1); getsockopt($server, SOL_SOCKET, SO_ERROR);
  bind($server, $at->(8080)) or die "bind: $!"; listen($server, 1);
  socket(my $client, $family, SOCK_STREAM, 0);
  refused('connect', connect($client, $at->(8080)));
  getsockname($client); getpeername($client); close $client; close $server;
  socket(my $receiver, $family, SOCK_DGRAM, 0); bind($receiver, $at->(8081));
  socket(my $sender, $family, SOCK_DGRAM, 0); send($sender, 'hello', 0, $at->(8081)); recv($receiver, my $text, 100, 0);
}
for my $type (SOCK_STREAM, SOCK_DGRAM) {
  my $path = "$folder/socket$type";
  socket(my $server, AF_UNIX, $type, 0); bind($server, pack_sockaddr_un($path)) or die "bind $path: $!";
  if ($type == SOCK_STREAM) {
    listen($server, 1); getsockname($server);
    socket(my $client, AF_UNIX, $type, 0); connect($client, pack_sockaddr_un($path)); getpeername($client);
  } else {
    socket(my $client, AF_UNIX, $type, 0); bind($client, pack_sockaddr_un("$path.client")); send($client, 'hello', 0, pack_sockaddr_un($path)); recv($server, my $text, 100, 0);
  }
}
open(my $null, '<', '/dev/null'); open(my $sysctl, '<', '/proc/sys/net/ipv4/ip_forward'); my $line = <$sysctl>;
`;

/** Runs a process in the cgroup and the network namespace that touches every hook; returns what was refused. `folder` takes its sockets. */
export const exerciseCgroup = (cgroup: string, netns: string, folder: string): string =>
  execFileSync('nsenter', [`--net=${netns}`, '--', 'perl', '-e', EXERCISE, cgroup, folder], { encoding: 'utf8' });
