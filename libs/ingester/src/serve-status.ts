import type { Express } from 'express';
import { messageOf } from '@gauntlet/base';
import { answerStatus, statusPath, type StatusHandler } from '@gauntlet/write-http';

/** Adds the status of tenants' databases to a listener. */
export function serveStatus(app: Express, handler: StatusHandler): void {
  app.get(statusPath, async (request, response) => {
    try {
      const { status, headers, body } = await answerStatus(handler, request, response);
      response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
    } catch (error) {
      if (response.destroyed) return;
      response.status(500).json({ status: 'error', errorType: 'internal', error: messageOf(error) });
    }
  });
}
