import { NotFoundError } from '../../../lib/errors.ts';
import { readDump, readRulesets } from '../inspect.ts';
import type { Backend, Family, Ruleset } from '../model.ts';
import { hasNoEndpoints, type KubeServicePort } from './service.ts';
import { decodeServices } from './services.ts';

/** The question of `iptables services`. */
export interface ServicesRequest {
  /** A dump to read, or `-`; the live rules when absent. */
  file?: string | undefined;
  /** Default: both families, for a dump whichever it holds. */
  families?: readonly Family[] | undefined;
  backend?: Backend | 'auto' | 'all' | undefined;
  /** Path of the namespace to read. */
  netns?: string | undefined;
  /** Only services of this Kubernetes namespace. */
  namespace?: string | undefined;
  /** `NAME`, `NAMESPACE/NAME` or `NAMESPACE/NAME:PORT`. */
  name?: string | undefined;
  /** Only services that reach no backend. */
  noEndpoints?: boolean | undefined;
}

/** Services, and what in kube-proxy's rules was not understood. */
export interface ServiceList {
  items: KubeServicePort[];
  /** False when rules were not understood; `warnings` lists them. */
  complete: boolean;
  warnings: string[];
}

/**
 * Lists the services that kube-proxy's rules carry.
 *
 * @throws NotFoundError when a service is asked for by name and there is none; ParseError for a bad dump.
 */
export async function listServices(request: ServicesRequest): Promise<ServiceList> {
  const { rulesets, warnings } = await readRules(request);
  const decoded = rulesets.map(decodeServices);
  const items = decoded.flatMap(({ services }) => services).filter((service) => isAskedFor(service, request));
  if (items.length === 0 && request.name !== undefined) throw new NotFoundError(`no service ${request.name}`, { hints: ['sluice iptables services'] });
  const doubts = decoded.flatMap((one) => one.warnings);
  return { items, complete: doubts.length === 0, warnings: [...warnings, ...doubts] };
}

async function readRules({ file, families, backend = 'auto', netns }: ServicesRequest): Promise<{ rulesets: Ruleset[]; warnings: string[] }> {
  if (file === undefined) {
    return readRulesets({ backend, ...(families === undefined ? {} : { families }), ...(netns === undefined ? {} : { netns }) });
  }
  const [family, ...more] = families ?? [];
  const known = family === undefined || more.length > 0 ? {} : { family };
  return { rulesets: [readDump(file, { backend: backend === 'nft' ? 'nft' : 'legacy', ...known })], warnings: [] };
}

function isAskedFor(service: KubeServicePort, { namespace, name, noEndpoints }: ServicesRequest): boolean {
  if (namespace !== undefined && service.namespace !== namespace) return false;
  if (noEndpoints === true && !hasNoEndpoints(service)) return false;
  return name === undefined || [service.service, `${service.namespace}/${service.service}`, service.name].includes(name);
}
