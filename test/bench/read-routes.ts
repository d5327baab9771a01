/** `node read-routes.ts`: the routes of the namespace that it runs in as JSON, with the reader that commands use. */

import { writeSync } from 'node:fs';
import { listRoutes, openNetlink } from '../../src/kernel/netlink/index.ts';

using netlink = openNetlink();
writeSync(1, JSON.stringify(listRoutes(netlink, { family: 4, table: 254 }).items));
