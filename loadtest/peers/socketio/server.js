// Socket.IO servers that meet through Redis, as one who follows a tutorial runs them. Switchboard is measured against two.
//
// PORT and REDIS_URL come from the environment; PORT=0 takes a free port. Prints one line once it listens.

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import express from 'express';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { authenticate } from './middleware/auth.js';
import { handleVideo } from './handlers/video.js';

const { PORT = '4000', REDIS_URL = 'redis://localhost:6379' } = process.env;

const app = express();
const httpServer = createServer(app);
const io = new Server(httpServer, {
  pingInterval: 25_000,
  pingTimeout: 60_000,
  maxHttpBufferSize: 1_000_000,
});

app.get('/health', (_request, response) => {
  response.json({
    status: 'ok',
    connections: io.engine.clientsCount,
    uptime: process.uptime(),
    timestamp: new Date().toISOString(),
  });
});

const publisher = createClient({ url: REDIS_URL });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) {
  client.on('error', (error) => console.error(`Redis: ${error.message}`));
  await client.connect();
}

io.adapter(createAdapter(publisher, subscriber));
io.use(authenticate);
io.on('connection', (socket) => handleVideo(io, socket));

httpServer.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on ${httpServer.address().port}`);
});
