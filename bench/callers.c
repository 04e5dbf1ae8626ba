/* Callers of one request: one thread, epoll, as many keep-alive connections as it takes.
 *
 *   callers PORT FILE lanes LANES SECONDS    so many callers, each asking again as soon as it is answered
 *   callers PORT FILE rate  RATE  SECONDS    so many requests a second at random moments, whatever the answers
 *
 * FILE holds the request, word for word. At a rate a request's time counts from its moment, not from when it was
 * sent. Prints one line of JSON. Exit code 2: a system call failed.
 *
 * Build: cc -O2 -o callers callers.c -lm
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 2000
#define PATIENCE_SECONDS 10.0

enum outcome { GOOD, REFUSED, OTHER, BROKEN, OUTCOMES };

struct connection {
  int fd, in_use, in_body, chunked, closes, hinted;
  enum outcome outcome;
  double due;
  long left; /* of a body of known length */
  char tail[6]; /* the last five bytes of a chunked body */
  char head[8192];
  int head_bytes;
};

struct times {
  double *seconds;
  long count, room;
};

static int epoll_fd, timer_fd, port, flat_out;
static char request[8192];
static size_t request_bytes;
static struct times times[OUTCOMES];
static struct connection *idle[MOST_CONNECTIONS];
static int idle_count, busy;
static long hinted, unsent;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void check(int ok, const char *what) {
  if (!ok) { perror(what); exit(2); }
}

static double between(double rate) { /* exponential, from a fixed seed */
  static unsigned long state = 88172645463325252UL;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return -log(1.0 - (state >> 11) / 9007199254740992.0) / rate;
}

static void note(enum outcome outcome, double seconds) {
  struct times *of = &times[outcome];
  if (of->count == of->room) {
    of->room = of->room ? 2 * of->room : 4096;
    of->seconds = realloc(of->seconds, of->room * sizeof(double));
    check(of->seconds != NULL, "realloc");
  }
  of->seconds[of->count++] = seconds;
}

static struct connection *dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct connection *c = calloc(1, sizeof *c);
  check(c != NULL, "calloc");
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(c->fd, (void *)&address, sizeof address) == 0, "connect");
  int yes = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) == 0, "epoll_ctl");
  return c;
}

static void forget_idle(struct connection *c) {
  for (int i = 0; i < idle_count; i++)
    if (idle[i] == c) { idle[i] = idle[--idle_count]; return; }
}

static void done(struct connection *c, enum outcome outcome) {
  if (c->in_use) {
    busy--;
    note(outcome, now() - c->due);
    if (outcome == REFUSED) hinted += c->hinted;
  }
  else forget_idle(c); /* only its end can have come */
  c->in_use = 0;
  if (outcome == BROKEN || c->closes) { close(c->fd); free(c); }
  else idle[idle_count++] = c;
}

static void ask(double due) {
  if (busy >= MOST_CONNECTIONS) { unsent++; return; }
  struct connection *c = idle_count ? idle[--idle_count] : dial();
  c->due = due;
  c->in_use = 1;
  c->in_body = c->head_bytes = 0;
  busy++;
  if (send(c->fd, request, request_bytes, MSG_NOSIGNAL) != (long)request_bytes) done(c, BROKEN);
}

static void read_head(struct connection *c) {
  char *length;
  c->outcome = !strncmp(c->head + 9, "200", 3) ? GOOD : !strncmp(c->head + 9, "503", 3) ? REFUSED : OTHER;
  c->hinted = strcasestr(c->head, "\r\nretry-after: ") != NULL;
  c->closes = strcasestr(c->head, "\r\nconnection: close") != NULL;
  c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
  length = strcasestr(c->head, "\r\ncontent-length:");
  c->left = length ? atol(length + 17) : 0;
  c->in_body = 1;
  memset(c->tail, 0, sizeof c->tail);
}

/* Whether the answer is whole with these bytes of its body. */
static int read_body(struct connection *c, const char *bytes, long n) {
  if (!c->chunked) return (c->left -= n) <= 0;
  for (long at = n > 5 ? n - 5 : 0; at < n; at++) {
    memmove(c->tail, c->tail + 1, 4);
    c->tail[4] = bytes[at];
  }
  return !memcmp(c->tail, "0\r\n\r\n", 5);
}

static void receive(struct connection *c) {
  static char scratch[1 << 18];
  long n = c->in_body ? recv(c->fd, scratch, sizeof scratch, 0)
                      : recv(c->fd, c->head + c->head_bytes, sizeof c->head - c->head_bytes - 1, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) { done(c, BROKEN); return; }
  if (c->in_body) {
    if (read_body(c, scratch, n)) done(c, c->outcome);
    return;
  }
  c->head_bytes += n;
  c->head[c->head_bytes] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return;
  *end = 0;
  read_head(c);
  if (read_body(c, end + 4, c->head + c->head_bytes - (end + 4))) done(c, c->outcome);
}

static void wait_until(double moment) {
  struct epoll_event events[256];
  struct itimerspec at = {.it_value = {(time_t)moment, (long)((moment - floor(moment)) * 1e9) + 1}};
  timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
  int n = epoll_wait(epoll_fd, events, 256, -1);
  for (int i = 0; i < n; i++)
    if (events[i].data.ptr) receive(events[i].data.ptr);
    else { long rings; if (read(timer_fd, &rings, sizeof rings) < 0) continue; }
}

static void run(double amount, double seconds) {
  double began = now(), end = began + seconds, due = flat_out ? end : began + between(amount), at;
  while ((at = now()) < end) {
    if (flat_out) while (busy < amount) ask(now());
    else for (; due <= at && due < end; due += between(amount)) ask(due);
    wait_until(due < end ? due : end);
  }
  while (busy && now() < end + PATIENCE_SECONDS) wait_until(end + PATIENCE_SECONDS);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile_ms(struct times *of, double share) {
  if (!of->count) return 0;
  long at = of->count * share;
  return of->seconds[at < of->count ? at : of->count - 1] * 1e3;
}

int main(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "usage: callers PORT FILE lanes|rate AMOUNT SECONDS\n"); return 1; }
  port = atoi(argv[1]);
  FILE *file = fopen(argv[2], "r");
  check(file != NULL, argv[2]);
  request_bytes = fread(request, 1, sizeof request - 1, file);
  flat_out = argv[3][0] == 'l';
  double seconds = atof(argv[5]);
  epoll_fd = epoll_create1(0);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN};
  check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) == 0, "epoll_ctl");
  run(atof(argv[4]), seconds);
  for (int i = 0; i < OUTCOMES; i++) qsort(times[i].seconds, times[i].count, sizeof(double), ascending);
  printf("{\"lasted\":%g,\"good\":%ld,\"refused\":%ld,\"other\":%ld,\"broken\":%ld,\"unsent\":%ld,\"hinted\":%ld,"
         "\"unanswered\":%d", seconds, times[GOOD].count, times[REFUSED].count, times[OTHER].count,
         times[BROKEN].count, unsent, hinted, busy);
  for (int i = GOOD; i <= REFUSED; i++)
    printf(",\"%s_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", i == GOOD ? "good" : "refused",
           quantile_ms(&times[i], 0.5), quantile_ms(&times[i], 0.99), quantile_ms(&times[i], 1));
  printf("}\n");
  return 0;
}
