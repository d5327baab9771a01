/** Checks a value against the subset of JSON Schema that sluice's schemas use; returns what is wrong, by path. */
export function schemaProblems(schema: Readonly<Record<string, unknown>>, value: unknown, path = '$'): string[] {
  if ('const' in schema) return value === schema['const'] ? [] : [`${path} is not ${String(schema['const'])}`];
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(value) ? [] : [`${path} is ${String(value)}`];
  const type = schema['type'];
  if (type === undefined) return [];
  if (!hasType(type, value)) return [`${path} is no ${String(type)}`];
  if (type === 'array') return (value as unknown[]).flatMap((item, i) => schemaProblems(schema['items'] as never, item, `${path}[${i}]`));
  if (type !== 'object') return [];
  const object = value as Record<string, unknown>;
  const required = (schema['required'] ?? []) as string[];
  const properties = (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>;
  return [
    ...required.filter((name) => !(name in object)).map((name) => `${path}.${name} is missing`),
    ...Object.entries(properties).flatMap(([name, member]) => (object[name] === undefined ? [] : schemaProblems(member, object[name], `${path}.${name}`))),
  ];
}

function hasType(type: unknown, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}
