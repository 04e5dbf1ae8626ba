/* Load for the front of a gateway: one thread, epoll, keep-alive connections, no allocation per request.
 *
 *   loadgen get        PORT LANES COUNT SIZE               GET /bytes/SIZE
 *   loadgen rendezvous PORT LANES COUNT SIZE CHUNKED       a held GET /r/ID and the POST /w/ID that answers it
 *   loadgen proxy      PORT LANES COUNT SIZE CHUNKED PORT  GET /p/ID of a proxy whose upstream (last PORT) is this process
 *   loadgen send       PORT LANES COUNT SIZE FILE          the request in FILE, word for word; SIZE bytes are expected
 *
 * A lane does one such exchange at a time. Prints one line of JSON. Exit codes: 2 a system call failed,
 * 3 the server closed a connection, 4 nothing moved for ten seconds.
 *
 * Build: cc -O2 -o loadgen loadgen.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536
#define STALL_MS 10000

enum mode { GET, RENDEZVOUS, PROXY, SEND };
enum role { READER, WRITER, UPSTREAM, LISTENING };
enum reading { HEAD, SIZED, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_LINE, COMPLETE };

struct lane;

struct connection {
  int fd;
  enum role role;
  struct lane *lane;
  /* out */
  char head[4096];
  int head_bytes, head_sent;
  long body_bytes, body_sent;
  int sending, wants_write;
  /* in */
  enum reading reading;
  char buffer[16384];
  int buffered;
  long left; /* of the sized body or of the chunk */
  char line[32];
  int line_bytes;
};

struct lane {
  struct connection *reader, *writer;
  double began, took;
  int reader_done, writer_done;
};

static enum mode mode;
static int epoll_fd, port, upstream_port, lanes, chunked;
static long count, size, started, finished, errors;
static double *latencies;
static char *body, *scratch;
static char request[4096]; /* what SEND sends */
static long body_period; /* the body repeats after this many bytes */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void check(int ok, const char *what) {
  if (!ok) { perror(what); exit(2); }
}

static struct sockaddr_in loopback(int at) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(at)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void send_at_once(int fd) {
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* Connections */

static void watch(struct connection *c, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c};
  check(epoll_ctl(epoll_fd, operation, c->fd, &event) == 0, "epoll_ctl");
}

static struct connection *adopt(int fd, enum role role, struct lane *lane) {
  struct connection *c = calloc(1, sizeof *c);
  check(c != NULL, "calloc");
  c->fd = fd;
  c->role = role;
  c->lane = lane;
  watch(c, EPOLL_CTL_ADD);
  return c;
}

static struct connection *dial(enum role role, struct lane *lane) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(port);
  check(connect(fd, (void *)&address, sizeof address) == 0, "connect");
  send_at_once(fd);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return adopt(fd, role, lane);
}

static void want_write(struct connection *c, int wanted) {
  if (c->wants_write == wanted) return;
  c->wants_write = wanted;
  watch(c, EPOLL_CTL_MOD);
}

/* Sending */

static long body_wire_bytes(void) {
  if (!chunked) return size;
  long chunk = size < CHUNK ? size : CHUNK;
  char line[32];
  return size / chunk * (snprintf(line, sizeof line, "%lx\r\n", chunk) + chunk + 2) + 5;
}

static void prepare_body(void) {
  if (!chunked) {
    body_period = 1 << 20;
    body = malloc(body_period);
    memset(body, 'x', body_period);
    return;
  }
  long chunk = size < CHUNK ? size : CHUNK, at = 0;
  int chunks = size < CHUNK ? 1 : 16;
  body = malloc(18L * (CHUNK + 16));
  for (int i = 0; i < chunks; i++) {
    at += sprintf(body + at, "%lx\r\n", chunk);
    memset(body + at, 'x', chunk);
    at += chunk;
    body[at++] = '\r';
    body[at++] = '\n';
  }
  body_period = at;
  memcpy(body + at, "0\r\n\r\n", 5);
}

/* The next bytes to send from the body: where they stand and how many may go at once. */
static long body_piece(struct connection *c, char **from) {
  long regular = chunked ? c->body_bytes - 5 : c->body_bytes;
  if (c->body_sent >= regular) {
    *from = "0\r\n\r\n" + (c->body_sent - regular);
    return c->body_bytes - c->body_sent;
  }
  long offset = c->body_sent % body_period, left = regular - c->body_sent;
  *from = body + offset;
  return left < body_period - offset ? left : body_period - offset;
}

static long send_some(struct connection *c) {
  if (c->head_sent == c->head_bytes) {
    char *from;
    long bytes = body_piece(c, &from);
    return send(c->fd, from, bytes, MSG_NOSIGNAL);
  }
  struct iovec parts[2] = {{c->head + c->head_sent, c->head_bytes - c->head_sent}, {body, c->body_bytes}};
  int small = c->body_bytes && c->body_bytes <= CHUNK; /* head and small body leave together */
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = small ? 2 : 1};
  return sendmsg(c->fd, &message, MSG_NOSIGNAL | (c->body_bytes && !small ? MSG_MORE : 0));
}

static void send_on(struct connection *c) {
  while (c->sending) {
    long sent = send_some(c);
    if (sent < 0 && errno == EAGAIN) { want_write(c, 1); return; }
    check(sent >= 0, "send");
    long of_head = c->head_bytes - c->head_sent;
    if (of_head > sent) of_head = sent;
    c->head_sent += of_head;
    c->body_sent += sent - of_head;
    c->sending = c->head_sent < c->head_bytes || c->body_sent < c->body_bytes;
  }
  want_write(c, 0);
}

static void begin_sending(struct connection *c, long body_bytes) {
  c->head_sent = 0;
  c->body_sent = 0;
  c->body_bytes = body_bytes;
  c->reading = HEAD;
  c->buffered = 0;
  c->sending = 1;
  send_on(c);
}

/* The exchanges: heads as large as signed ones are */

#define SIGNATURE \
  "x-amz-date: 20260101T000000Z\r\n" \
  "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/s3-object-lambda/aws4_request, " \
  "SignedHeaders=host;x-amz-content-sha256;x-amz-date, " \
  "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n"

static void framing_line(char *line, size_t room) {
  if (chunked) snprintf(line, room, "Transfer-Encoding: chunked\r\n");
  else snprintf(line, room, "Content-Length: %ld\r\n", size);
}

static void ask(struct lane *lane, long id) {
  struct connection *c = lane->reader;
  char path[64];
  if (mode == SEND) {
    c->head_bytes = snprintf(c->head, sizeof c->head, "%s", request);
    begin_sending(c, 0);
    return;
  }
  if (mode == GET) snprintf(path, sizeof path, "/bytes/%ld", size);
  else snprintf(path, sizeof path, mode == PROXY ? "/p/%ld" : "/r/%ld", id);
  c->head_bytes = snprintf(c->head, sizeof c->head,
    "GET %s HTTP/1.1\r\nHost: ap.s3-object-lambda.local\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n" SIGNATURE "\r\n", path);
  begin_sending(c, 0);
}

static void deliver(struct lane *lane, long id) {
  struct connection *c = lane->writer;
  char framing[64];
  framing_line(framing, sizeof framing);
  c->head_bytes = snprintf(c->head, sizeof c->head,
    "POST /w/%ld HTTP/1.1\r\nHost: gw.local\r\n"
    "User-Agent: Boto3/1.43 md/Botocore#1.43 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11\r\n"
    "x-amz-request-route: io-%ld\r\n"
    "x-amz-request-token: AgV4q1rVn1example0token0example0token0example0token0example0token0example0token0\r\n"
    "x-amz-fwd-status: 200\r\nx-amz-fwd-header-Content-Type: application/octet-stream\r\n"
    "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n" SIGNATURE "%s\r\n", id, id, framing);
  begin_sending(c, body_wire_bytes());
}

static void answer(struct connection *c) {
  char framing[64];
  framing_line(framing, sizeof framing);
  c->head_bytes = snprintf(c->head, sizeof c->head,
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n%s\r\n", framing);
  begin_sending(c, body_wire_bytes());
}

static void begin(struct lane *lane) {
  if (started >= count) return;
  long id = started++;
  lane->reader_done = 0;
  lane->writer_done = mode != RENDEZVOUS;
  lane->began = now();
  ask(lane, id);
  if (mode == RENDEZVOUS) deliver(lane, id);
}

static void complete(struct connection *c) {
  struct lane *lane = c->lane;
  if (c->role == WRITER) lane->writer_done = 1;
  else {
    lane->reader_done = 1;
    lane->took = now() - lane->began;
  }
  if (!lane->reader_done || !lane->writer_done) return;
  latencies[finished++] = lane->took;
  begin(lane);
}

/* Receiving */

static void read_head(struct connection *c) {
  char *length;
  if (strncmp(c->buffer, "HTTP/1.1 200", 12)) {
    if (++errors < 3) fprintf(stderr, "answer: %.200s\n", c->buffer);
  }
  c->left = 0;
  c->line_bytes = 0;
  c->reading = SIZED;
  if (strcasestr(c->buffer, "transfer-encoding: chunked")) c->reading = CHUNK_SIZE;
  else if ((length = strcasestr(c->buffer, "content-length:"))) c->left = atol(length + 15);
}

static long skip(struct connection *c, long available) {
  long taken = available < c->left ? available : c->left;
  c->left -= taken;
  return taken;
}

static void read_chunk_size(struct connection *c, char byte) {
  if (byte != '\n') {
    if (c->line_bytes < (int)sizeof c->line - 1) c->line[c->line_bytes++] = byte;
    return;
  }
  c->line[c->line_bytes] = 0;
  c->line_bytes = 0;
  c->left = strtol(c->line, NULL, 16);
  c->reading = c->left ? CHUNK_DATA : LAST_LINE;
}

/* Reads body bytes; true when the message is whole. */
static int read_body(struct connection *c, char *bytes, long n) {
  for (long at = 0;;) {
    if (c->reading == SIZED) {
      at += skip(c, n - at);
      if (!c->left) { c->reading = COMPLETE; return 1; }
    }
    if (at >= n) return 0;
    if (c->reading == CHUNK_SIZE) read_chunk_size(c, bytes[at++]);
    else if (c->reading == CHUNK_DATA) {
      at += skip(c, n - at);
      if (!c->left) c->reading = CHUNK_END;
    } else if (c->reading == CHUNK_END) {
      if (bytes[at++] == '\n') c->reading = CHUNK_SIZE;
    } else if (bytes[at++] == '\n') { c->reading = COMPLETE; return 1; }
  }
}

static long receive(struct connection *c, char *into, long room) {
  long n = recv(c->fd, into, room, 0);
  if (n == 0 && c->role != UPSTREAM) {
    fprintf(stderr, "closed by the server (role %d) after %ld exchanges\n", c->role, finished);
    exit(3);
  }
  check(n >= 0 || errno == EAGAIN || c->role == UPSTREAM, "recv");
  return n;
}

static void receive_request(struct connection *c) {
  long n = receive(c, c->buffer + c->buffered, sizeof c->buffer - c->buffered - 1);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) { close(c->fd); free(c); return; }
  c->buffered += n;
  c->buffer[c->buffered] = 0;
  if (strstr(c->buffer, "\r\n\r\n")) answer(c);
}

static void receive_answer(struct connection *c) {
  if (c->reading != HEAD) {
    long n = receive(c, scratch, 1 << 20);
    if (n > 0 && read_body(c, scratch, n)) complete(c);
    return;
  }
  long n = receive(c, c->buffer + c->buffered, sizeof c->buffer - c->buffered - 1);
  if (n < 0) return;
  c->buffered += n;
  c->buffer[c->buffered] = 0;
  char *end = strstr(c->buffer, "\r\n\r\n");
  if (!end) return;
  *end = 0;
  read_head(c);
  if (read_body(c, end + 4, c->buffer + c->buffered - (end + 4))) complete(c);
}

static void accept_all(struct connection *listening) {
  int fd;
  while ((fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    send_at_once(fd);
    adopt(fd, UPSTREAM, NULL);
  }
}

static void listen_upstream(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  struct sockaddr_in address = loopback(upstream_port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  check(bind(fd, (void *)&address, sizeof address) == 0, "bind");
  check(listen(fd, 512) == 0, "listen");
  adopt(fd, LISTENING, NULL);
}

static void read_request(const char *path) {
  FILE *file = fopen(path, "r");
  check(file != NULL, path);
  request[fread(request, 1, sizeof request - 1, file)] = 0;
  fclose(file);
}

/* The run */

static void turn(void) {
  struct epoll_event events[256];
  int n = epoll_wait(epoll_fd, events, 256, STALL_MS);
  if (n == 0) { fprintf(stderr, "stalled after %ld of %ld\n", finished, count); exit(4); }
  for (int i = 0; i < n; i++) {
    struct connection *c = events[i].data.ptr;
    if (c->role == LISTENING) { accept_all(c); continue; }
    if (events[i].events & EPOLLOUT) send_on(c);
    if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
    if (c->role == UPSTREAM) receive_request(c);
    else receive_answer(c);
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(double seconds) {
  qsort(latencies, finished, sizeof *latencies, ascending);
  printf("{\"count\":%ld,\"seconds\":%.4f,\"per_second\":%.1f,\"gb_per_second\":%.3f,"
         "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"errors\":%ld}\n",
         finished, seconds, finished / seconds, finished * (double)size / seconds / 1e9,
         latencies[finished / 2] * 1e3, latencies[finished * 99 / 100] * 1e3, errors);
}

int main(int argc, char **argv) {
  if (argc < 6) { fprintf(stderr, "usage: loadgen get|rendezvous|proxy|send PORT LANES COUNT SIZE [CHUNKED [PORT] | FILE]\n"); return 1; }
  mode = argv[1][0] == 'g' ? GET : argv[1][0] == 'r' ? RENDEZVOUS : argv[1][0] == 's' ? SEND : PROXY;
  port = atoi(argv[2]);
  lanes = atoi(argv[3]);
  count = atol(argv[4]);
  size = atol(argv[5]);
  if (mode == SEND) read_request(argv[6]);
  chunked = mode != SEND && argc > 6 && atoi(argv[6]);
  upstream_port = argc > 7 ? atoi(argv[7]) : 0;
  latencies = calloc(count + lanes, sizeof *latencies);
  scratch = malloc(1 << 20);
  prepare_body();
  epoll_fd = epoll_create1(0);
  if (mode == PROXY) listen_upstream();
  struct lane *all = calloc(lanes, sizeof *all);
  for (int i = 0; i < lanes; i++) {
    all[i].reader = dial(READER, &all[i]);
    if (mode == RENDEZVOUS) all[i].writer = dial(WRITER, &all[i]);
  }
  double began = now();
  for (int i = 0; i < lanes; i++) begin(&all[i]);
  while (finished < count) turn();
  report(now() - began);
  return 0;
}
