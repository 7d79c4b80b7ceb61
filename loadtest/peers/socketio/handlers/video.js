/** Of each room, the participants that are connected to this server: other servers' are not known here. */
const videoRooms = new Map();

/** What a signal carries besides its receiver, by event. */
const SIGNALS = { 'video:offer': 'offer', 'video:answer': 'answer', 'video:ice-candidate': 'candidate' };

export function handleVideo(io, socket) {
  socket.on('video:join-room', ({ roomId }) => join(socket, roomId));
  socket.on('video:leave-room', ({ roomId }) => leave(socket, roomId));
  socket.on('disconnect', () => {
    for (const [roomId, participants] of videoRooms) {
      if (participants.has(socket.id)) {
        leave(socket, roomId);
      }
    }
  });
  for (const [event, field] of Object.entries(SIGNALS)) {
    socket.on(event, ({ to, [field]: signal }) => {
      io.to(to).emit(event, { from: socket.id, [field]: signal });
    });
  }
}

function join(socket, roomId) {
  const participants = videoRooms.get(roomId) ?? new Map();
  videoRooms.set(roomId, participants);
  participants.set(socket.id, participant(socket));
  socket.join(channel(roomId));
  socket.emit('video:room-state', { participants: [...participants.values()] });
  socket.to(channel(roomId)).emit('video:user-joined', { socketId: socket.id, user: socket.user });
}

function leave(socket, roomId) {
  const participants = videoRooms.get(roomId);
  participants?.delete(socket.id);
  if (participants?.size === 0) {
    videoRooms.delete(roomId);
  }
  socket.leave(channel(roomId));
  socket.to(channel(roomId)).emit('video:user-left', { socketId: socket.id });
}

function participant(socket) {
  return {
    socketId: socket.id,
    userId: socket.userId,
    user: socket.user,
    isMuted: false,
    isVideoOff: false,
    isSharingScreen: false,
    joinedAt: new Date().toISOString(),
  };
}

function channel(roomId) {
  return `video:${roomId}`;
}
