// The documented snippet as a program: prints every event it hears as a line of JSON.
// node listen.js URL TENANT TRANSPORTS [SEQ]   (TRANSPORTS: "default" or a comma-separated list)
const { io } = require('socket.io-client');

const [url, tenantId, transports, seq] = process.argv.slice(2);
const print = (name, value) => process.stdout.write(JSON.stringify([name, value]) + '\n');

const options = { path: '/ws/payments', auth: { tenantId } };
if (transports !== 'default') options.transports = transports.split(',');
if (seq !== undefined) options.auth.seq = Number(seq);

const socket = io(url, options);
socket.on('connected', message => print('connected', message));
socket.on('payment_event', event => {
  if (options.auth.seq !== undefined) options.auth.seq = event.seq; // where to resume after a cut
  print('payment_event', event);
});
socket.on('reload', message => print('reload', message));
socket.on('disconnect', reason => print('disconnect', reason));
socket.on('connect_error', error => print('connect_error', { message: error.message, data: error.data }));
