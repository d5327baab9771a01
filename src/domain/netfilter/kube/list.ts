import { NotFoundError } from '../../../lib/errors.ts';
import { readRequested, type ListRequest } from '../list.ts';
import { hasNoEndpoints, type KubeServicePort } from './service.ts';
import { decodeServices } from './services.ts';

/** Which of the services are wanted. */
export interface ServiceFilter {
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
export async function listServices(request: ListRequest, filter: ServiceFilter = {}): Promise<ServiceList> {
  const { rulesets, warnings } = await readRequested(request);
  const decoded = rulesets.map(decodeServices);
  const items = decoded.flatMap(({ services }) => services).filter((service) => isAskedFor(service, filter));
  if (items.length === 0 && filter.name !== undefined) throw new NotFoundError(`no service ${filter.name}`, { hints: ['sluice iptables services'] });
  const doubts = decoded.flatMap((one) => one.warnings);
  return { items, complete: doubts.length === 0, warnings: [...warnings, ...doubts] };
}

function isAskedFor(service: KubeServicePort, { namespace, name, noEndpoints }: ServiceFilter): boolean {
  if (namespace !== undefined && service.namespace !== namespace) return false;
  if (noEndpoints === true && !hasNoEndpoints(service)) return false;
  return name === undefined || [service.service, `${service.namespace}/${service.service}`, service.name].includes(name);
}
