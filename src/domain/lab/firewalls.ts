/** Firewalls for labs, written in the style of real ones; the same text every time. */

export interface Firewall {
  name: string;
  /** iptables-save text of the filter table, IPv4 and IPv6. */
  filter: string;
  filter6: string;
}

/** About 20 rules: a stateful host and forward firewall. */
export const small: Firewall = {
  name: 'small',
  filter: table(['INPUT DROP', 'FORWARD DROP', 'OUTPUT ACCEPT'], [], [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -m conntrack --ctstate INVALID -j DROP',
    '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT',
    '-A INPUT -s 172.30.0.0/24 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m comment --comment "ssh from the fabric" -j ACCEPT',
    '-A INPUT -s 172.30.0.0/24 -p tcp -m multiport --dports 179,10250 -j ACCEPT',
    '-A INPUT -p udp -m udp --dport 4789 -j ACCEPT',
    '-A INPUT -p tcp -m limit --limit 5/min -j LOG --log-prefix "input: "',
    '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
    '-A INPUT -j REJECT --reject-with icmp-port-unreachable',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A FORWARD -s 10.244.0.0/16 -j ACCEPT',
    '-A FORWARD -d 10.244.0.0/16 -p tcp -m tcp --dport 8080 -j ACCEPT',
    '-A FORWARD -d 10.244.0.0/16 -p udp -m udp --dport 5353 -j ACCEPT',
    '-A FORWARD -d 10.244.0.0/16 -p icmp -j ACCEPT',
    '-A FORWARD -j REJECT --reject-with icmp-admin-prohibited',
  ]),
  filter6: table(['INPUT DROP', 'FORWARD DROP', 'OUTPUT ACCEPT'], [], [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -p ipv6-icmp -j ACCEPT',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -s fd00:30::/64 -p tcp -m tcp --dport 22 -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -s fd00:244::/32 -j ACCEPT',
    '-A FORWARD -d fd00:244::/32 -p tcp -m tcp --dport 8080 -j ACCEPT',
    '-A FORWARD -d fd00:244::/32 -p udp -m udp --dport 5353 -j ACCEPT',
    '-A FORWARD -d fd00:244::/32 -p ipv6-icmp -j ACCEPT',
  ]),
};

const DEPARTMENTS = ['sales', 'design', 'finance', 'legal', 'hr', 'lab', 'support', 'guests'];
const PORTS: Readonly<Record<string, readonly number[]>> = {
  web: [80, 443, 8080, 8443], mail: [25, 110, 143, 465, 587, 993, 995], files: [139, 445, 2049], db: [3306, 5432, 6379, 27017],
  admin: [22, 3389, 5900], print: [515, 631, 9100],
};

/** More than 300 rules in more than 20 chains, and an IPv6 counterpart. */
export const office: Firewall = { name: 'office', filter: officeTable(), filter6: officeTable6() };

function officeTable(): string {
  const rules = [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -j scan', '-A INPUT -j blocked',
    '-A INPUT -p icmp -j icmp-in',
    '-A INPUT -s 172.30.0.0/24 -g from-fabric',
    '-A INPUT -j refuse',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A FORWARD -j scan', '-A FORWARD -j blocked',
    '-A FORWARD -s 10.244.0.0/16 -j pods-out',
    '-A FORWARD -d 10.244.0.0/16 -j pods-in',
    ...DEPARTMENTS.map((name, i) => `-A FORWARD -s 10.20.${i}.0/24 -j dept-${name}`),
    '-A FORWARD -m iprange --src-range 10.30.0.10-10.30.0.99 -p tcp -m multiport --dports 80,443 -j ACCEPT',
    '-A FORWARD -m mark --mark 0x40/0xf0 -j ACCEPT',
    '-A FORWARD -j refuse',
    '-A OUTPUT -o lo -j ACCEPT', '-A OUTPUT -m conntrack --ctstate INVALID -j DROP', '-A OUTPUT -d 192.0.2.0/24 -j DROP',
    '-A scan -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP',
    '-A scan -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,SYN,RST,PSH,ACK,URG -j DROP',
    '-A scan -p tcp -m tcp --tcp-flags SYN,RST SYN,RST -j DROP',
    '-A scan -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -j DROP',
    '-A scan -p tcp -m conntrack --ctstate NEW -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP',
    ...Array.from({ length: 90 }, (_, i) => `-A blocked -s ${198 + (i % 2)}.51.${(i * 7) % 256}.${(i * 13) % 256}/${i % 3 === 0 ? 24 : 32} -j DROP`),
    '-A icmp-in -p icmp -m icmp --icmp-type 8 -j ACCEPT', '-A icmp-in -p icmp -m icmp --icmp-type 3 -j ACCEPT',
    '-A icmp-in -p icmp -m icmp --icmp-type 11 -j ACCEPT', '-A icmp-in -j RETURN',
    '-A from-fabric -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
    '-A from-fabric -p tcp -m multiport --dports 179,10250,10256 -j ACCEPT',
    '-A from-fabric -p udp -m multiport --dports 53,123,4789 -j ACCEPT',
    '-A from-fabric -j refuse',
    '-A pods-out -d 169.254.169.254/32 -j DROP', '-A pods-out -p tcp -m tcp --dport 25 -j refuse', '-A pods-out -j ACCEPT',
    '-A pods-in -p tcp -m tcp --dport 8080 -j ACCEPT', '-A pods-in -p udp -m udp --dport 5353 -j ACCEPT', '-A pods-in -p icmp -j icmp-in', '-A pods-in -j refuse',
    ...DEPARTMENTS.flatMap((name, i) => departmentRules(name, i)),
    ...Object.entries(PORTS).flatMap(([service, ports]) => serviceRules(service, ports)),
    '-A refuse -m limit --limit 10/min --limit-burst 20 -j LOG --log-prefix "refused: "',
    '-A refuse -p tcp -j REJECT --reject-with tcp-reset',
    '-A refuse -j REJECT --reject-with icmp-port-unreachable',
  ];
  const chains = ['scan', 'blocked', 'icmp-in', 'from-fabric', 'pods-out', 'pods-in', ...DEPARTMENTS.map((name) => `dept-${name}`), ...Object.keys(PORTS).map((name) => `to-${name}`), 'refuse'];
  return table(['INPUT DROP', 'FORWARD DROP', 'OUTPUT ACCEPT'], chains, rules);
}

/** What a department may reach; its guests and printers are told apart by host. */
function departmentRules(name: string, number: number): string[] {
  const services = Object.keys(PORTS).filter((_service, i) => (i + number) % 3 !== 0);
  return [
    `-A dept-${name} -s 10.20.${number}.250/32 -j DROP`,
    `-A dept-${name} -d 10.20.0.0/16 -j RETURN`,
    ...services.map((service, i) => `-A dept-${name} -d 10.40.${i}.0/24 -j to-${service}`),
    ...Array.from({ length: 10 }, (_, i) => `-A dept-${name} -s 10.20.${number}.${10 + i}/32 -d 10.50.${number}.${i}/32 -p tcp -m tcp --dport ${8000 + i} -j ACCEPT`),
    `-A dept-${name} ! -d 10.0.0.0/8 -p tcp -m multiport --dports 80,443 -j ACCEPT`,
  ];
}

function serviceRules(service: string, ports: readonly number[]): string[] {
  return [...ports.map((port) => `-A to-${service} -p tcp -m tcp --dport ${port} -j ACCEPT`), `-A to-${service} -p udp -m udp --dport ${ports[0]} -j ACCEPT`, `-A to-${service} -j RETURN`];
}

function officeTable6(): string {
  const rules = [
    '-A INPUT -i lo -j ACCEPT', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A INPUT -p ipv6-icmp -j icmp-in',
    '-A INPUT -j blocked', '-A INPUT -s fd00:30::/64 -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -j refuse',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A FORWARD -j blocked', '-A FORWARD -s fd00:244::/32 -j ACCEPT',
    '-A FORWARD -d fd00:244::/32 -p tcp -m multiport --dports 8080,8443 -j ACCEPT', '-A FORWARD -d fd00:244::/32 -p udp -m udp --dport 5353 -j ACCEPT',
    '-A FORWARD -d fd00:244::/32 -p ipv6-icmp -j ACCEPT', '-A FORWARD -j refuse',
    ...[1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137].map((type) => `-A icmp-in -p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j ACCEPT`),
    ...Array.from({ length: 30 }, (_, i) => `-A blocked -s 2001:db8:${(i * 37).toString(16)}::/${i % 2 === 0 ? 48 : 64} -j DROP`),
    '-A refuse -p tcp -j REJECT --reject-with tcp-reset', '-A refuse -j REJECT --reject-with icmp6-port-unreachable',
  ];
  return table(['INPUT DROP', 'FORWARD DROP', 'OUTPUT ACCEPT'], ['icmp-in', 'blocked', 'refuse'], rules);
}

function table(policies: readonly string[], chains: readonly string[], rules: readonly string[]): string {
  return ['*filter', ...policies.map((policy) => `:${policy} [0:0]`), ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
}
