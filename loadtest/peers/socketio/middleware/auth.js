/** Lets in whoever says who he is. A real one would look the user up. */
export function authenticate(socket, next) {
  const { userId, name = userId, avatar = null } = socket.handshake.auth;
  if (!userId) {
    next(new Error('Authentication required'));
    return;
  }
  socket.userId = userId;
  socket.user = { id: userId, name, avatar };
  next();
}
