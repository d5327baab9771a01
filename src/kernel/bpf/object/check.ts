/** What can be said of an object without a kernel: everything but whether the verifier takes it and the kernel has what it needs. */

import type { MapSpec } from '../map.ts';
import { assemble } from './assemble.ts';
import { setConstants, type Constant } from './data-section.ts';
import type { Declaration } from './extern.ts';
import { declaredMaps, readMapDefinition } from './map-definition.ts';
import { ObjectFile } from './object-file.ts';
import { encodeProgramBtf } from './program-btf.ts';
import type { ProgramType } from './program-type.ts';
import { OfflineResolver } from './resolver.ts';
import { selectPrograms, type Selection } from './select.ts';

/** A program as it stands in the file; `instructions` with all functions that it calls. */
export interface CheckedProgram {
  name: string;
  section: string;
  kind: ProgramType;
  instructions: number;
}

/** A map as the object declares it. */
export interface CheckedMap extends MapSpec {
  /** Whether it is shared by its pin of that name (LIBBPF_PIN_BY_NAME). */
  sharedByName: boolean;
}

/** An object that is in order as a file. */
export interface CheckedObject {
  /** Of the file, without folder and endings. */
  name: string;
  license: string;
  programs: CheckedProgram[];
  maps: CheckedMap[];
  /** What the programs take from the kernel by name. */
  needs: Pick<Declaration, 'kind' | 'name' | 'weak'>[];
  /** Number of CO-RE relocations in the programs. */
  relocations: number;
}

/**
 * Checks ELF, BTF, map definitions, sections, constants and all relocations that need no kernel. Touches nothing and needs no
 * rights.
 *
 * @throws OperationError SL2401, SL2402, SL2404, SL2411, as `loadObject`
 */
export function checkObject(bytes: Buffer, source: string, options: Selection & { constants?: Readonly<Record<string, Constant>> } = {}): CheckedObject {
  const file = new ObjectFile(bytes, source);
  const resolver = new OfflineResolver(file);
  const programs = selectPrograms(file, options).map(({ symbol, section, kind }) => ({
    name: symbol.name, section, kind, instructions: assemble(file, symbol, resolver).instructions.length / 8,
  }));
  encodeProgramBtf(file);
  setConstants(file, options.constants ?? {});
  return {
    name: file.name, license: file.license, programs, relocations: resolver.relocations,
    maps: declaredMaps(file).map((name) => readMapDefinition(file, name)).map(({ spec, sharedByName }) => ({ ...spec, sharedByName })),
    needs: resolver.externs.map(({ kind, name, weak }) => ({ kind, name, weak })),
  };
}
