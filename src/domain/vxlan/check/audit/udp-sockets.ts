/** Inodes of the sockets that are bound to a port, from the text of /proc/net/udp or udp6. */
export function boundInodes(text: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text.split('\n').slice(1).map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(wanted) === true).map((words) => words[9]!);
}
