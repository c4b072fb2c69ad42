import type { Express } from 'express';
import { messageOf } from '@gauntlet/base';
import type { StatusHandler } from '@gauntlet/write-http';

/** Adds `GET /api/v1/status/tsdb` to a listener. */
export function serveStatus(app: Express, status: StatusHandler): void {
  app.get('/api/v1/status/tsdb', async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the caller went away')));
    try {
      const answer = await status({
        query: new URL(request.url, 'http://localhost').searchParams,
        header: (name) => request.get(name),
        signal: gone.signal,
      });
      response.status(answer.status).set(answer.headers).send(answer.body);
    } catch (error) {
      if (gone.signal.aborted) return;
      response.status(500).json({ status: 'error', errorType: 'internal', error: messageOf(error) });
    }
  });
}
