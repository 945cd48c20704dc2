/*
 * The engine's process, from its first instruction to its last: it takes requests from the wire,
 * one after the other, and answers them. engine/engine_process.h says what it is, and why it is a
 * separate process. Private to the engine.
 */
#ifndef CAUCE_ENGINE_ENGINE_CHILD_H
#define CAUCE_ENGINE_ENGINE_CHILD_H

/* Serve until the program is gone, and end the process. */
_Noreturn void engine_child_run(void);

#endif
