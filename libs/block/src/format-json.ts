import { JsonNumber, JsonObject, type Json } from '@gauntlet/base';

/** A plain value for what is carried along unread. Numbers become JavaScript numbers. */
export function toPlain(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (value instanceof JsonObject)
    return Object.fromEntries(value.fields.map(([name, field]) => [name, toPlain(field)]));
  if (Array.isArray(value)) return (value as readonly Json[]).map(toPlain);
  return value;
}

/** Indented with tabs; undefined fields are left out; bigints become integers; a Map is an object whose order counts. */
export function formatJson(value: unknown, indent = ''): string {
  const inner = `${indent}\t`;
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) {
    return value.length === 0
      ? '[]'
      : `[\n${value.map((item) => inner + formatJson(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const all: [string, unknown][] =
      value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
    const fields = all.filter(([, field]) => field !== undefined);
    if (fields.length === 0) return '{}';
    return `{\n${fields.map(([name, field]) => `${inner}${formatString(name)}: ${formatJson(field, inner)}`).join(',\n')}\n${indent}}`;
  }
  return typeof value === 'string' ? formatString(value) : JSON.stringify(value);
}

/** The reference keeps its JSON safe to embed in HTML. */
function formatString(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
