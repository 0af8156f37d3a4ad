// A WebSocket, whose first frame says who comes, so that no token stands in an address.

export function openWebSocket(site, hear, end) {
  const socket = site.socket_();
  socket.onopen = () => socket.send(site.connect_());
  socket.onmessage = ({ data }) => hear(data);
  socket.onclose = socket.onerror = () => end({});
  return socket;
}
