export { ListenError, formatHostPort, listenError, parseListenAddress, type ListenAddress } from './listen-address.js';
