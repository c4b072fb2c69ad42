import { UndoStack } from './undo-stack.js';

test('what was opened is closed in reverse, once, also when closing fails', async () => {
  const closed: string[] = [];
  const stack = new UndoStack();
  const close = (name: string): void => void closed.push(name);
  expect(stack.add('a', close)).toBe('a');
  stack.add('b', () => Promise.reject(new Error('b does not close')));
  stack.add('c', close);
  await expect(stack.undo()).rejects.toThrow('b does not close');
  expect(closed).toEqual(['c', 'a']);
  await stack.undo();
  expect(closed).toEqual(['c', 'a']);
});
