import { NotFoundError } from '../lib/errors.ts';
import { SluiceCommand } from '../cli/command.ts';
import { argument } from '../cli/flags.ts';
import { toJson } from '../cli/print/json.ts';
import { schemaKinds, schemaOf } from '../cli/schemas.ts';

/** `sluice schema [KIND]` */
export default class Schema extends SluiceCommand {
  static override summary = 'Show the JSON Schema of a kind of output, or list the kinds';
  static override args = { kind: argument({ description: 'kind, as in the "kind" member of -o json' }) };
  static override examples = ['<%= config.bin %> schema', '<%= config.bin %> schema MigrationStatus'];

  async run(): Promise<void> {
    const { args } = await this.parse(Schema);
    const kind = args['kind'];
    const schema = kind === undefined ? undefined : schemaOf(kind);
    if (kind !== undefined && schema === undefined) throw new NotFoundError(`no kind ${kind}`, { hints: ['sluice schema'] });
    process.stdout.write(kind === undefined ? `${schemaKinds().join('\n')}\n` : `${toJson(schema, 2)}\n`);
  }
}
