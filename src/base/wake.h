/*
 * Waiting that another thread may end: condition variables by a clock that nobody
 * sets, so that no wait grows by an hour when the machine's clock is put back.  And
 * a time that goes on while the machine sleeps, by which locks lapse.
 *
 * Thread-safe.
 */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* For wake_wait(), or pthread_cond_timedwait() by CLOCK_MONOTONIC.  False when
 * memory is out.  pthread_cond_destroy() it. */
bool wake_init(pthread_cond_t *cond);

/* Blocks until cond is signalled or ms milliseconds have passed; lock is held, as
 * in pthread_cond_wait().  May return sooner for no reason. */
void wake_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ms);

/* Nanoseconds since the machine was started, those asleep too. */
uint64_t wake_boot_ns(void);

#endif
