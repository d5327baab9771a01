/** One option of a match or target that the model keeps as text. */
export interface TextOption {
  name: string;
  negated: boolean;
  values: string[];
}

/**
 * Splits the text of an opaque match or a native target into its options: `-m addrtype ! --src-type LOCAL` gives
 * `-m [addrtype]` and `! --src-type [LOCAL]`. Quoted values with blanks are cut apart, which none of the matches and
 * targets that are read this way has.
 */
export function textOptions(text: string): TextOption[] {
  const options: TextOption[] = [];
  let negated = false;
  for (const token of text.trim().split(/\s+/)) {
    if (token === '!') negated = true;
    else if (/^--?[a-z]/i.test(token)) {
      options.push({ name: token, negated, values: [] });
      negated = false;
    } else options.at(-1)?.values.push(token);
  }
  return options;
}

/** The first value of an option; undefined when the option is absent or has none. */
export function optionValue(options: readonly TextOption[], name: string): string | undefined {
  return options.find((option) => option.name === name)?.values[0];
}
