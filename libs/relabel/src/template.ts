/**
 * A template of Go's `regexp.Expand`: `$1` and `${1}` stand for groups by number, `$name` and `${name}` by name, `$$` for a dollar. A name
 * is as long as it can be, so `$1x` is the group `1x`. A dollar that begins none of these stands for itself.
 */
export interface Template {
  /** What it always gives, where it refers to no group. */
  readonly text: string | undefined;
  readonly parts: readonly (string | GroupReference)[];
}

/** By number, or by name: the first of the groups with that name that took part in the match. */
export type GroupReference = { readonly number: number } | { readonly name: string };

/** The text of a group of the match; undefined where it took no part, or does not exist. */
export type GroupText = (number: number) => string | undefined;

export function parseTemplate(template: string): Template {
  const parts: (string | GroupReference)[] = [];
  let text = '';
  let at = 0;
  for (const { 0: found, index, groups } of template.matchAll(references)) {
    text += template.slice(at, index);
    at = index + found.length;
    const name = groups!['bare'] ?? groups!['braced'];
    if (name === undefined) text += '$';
    else {
      if (text !== '') parts.push(text);
      text = '';
      parts.push(referenceOf(name));
    }
  }
  text += template.slice(at);
  if (text !== '') parts.push(text);
  const isFixed = parts.every((part) => typeof part === 'string');
  return { text: isFixed ? parts.join('') : undefined, parts };
}

export function expand(
  template: Template,
  group: GroupText,
  groupNumbers: Readonly<Record<string, readonly number[]>>,
): string {
  if (template.text !== undefined) return template.text;
  let out = '';
  for (const part of template.parts) {
    if (typeof part === 'string') out += part;
    else if ('number' in part) out += group(part.number) ?? '';
    else {
      const numbers = Object.hasOwn(groupNumbers, part.name) ? groupNumbers[part.name]! : [];
      out += numbers.map(group).find((text) => text !== undefined) ?? '';
    }
  }
  return out;
}

/** `$$`, a name in braces, a bare name, or a dollar before anything else. Go's letters and digits: those of Unicode. */
const references = /\$(?:\$|\{(?<braced>[\p{L}\p{Nd}_]+)\}|(?<bare>[\p{L}\p{Nd}_]+)|)/gu;

function referenceOf(name: string): GroupReference {
  // Numbers with leading zeros, and those from 10^8 digits on, are names in Go, and no group has such a name.
  return /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? { number: Number(name) } : { name };
}
