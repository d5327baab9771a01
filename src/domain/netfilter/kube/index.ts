/** kube-proxy's chains, read back as the services they were made from. */
export { decodeServices, type KubeServices } from './services.ts';
export { hasNoEndpoints, type KubeRefusal, type KubeServicePort, type KubeServiceType } from './service.ts';
export type { KubeBackend } from './balancer.ts';
export type { KubeProtocol } from './shape.ts';
export { listServices, type ServiceList, type ServiceFilter } from './list.ts';
