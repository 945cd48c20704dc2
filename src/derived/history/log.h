/*
 * The log of the table `history`, brought to the chain: one entry per version, in ascending order, each
 * created once and never changed. An entry is only written once the one before it is surely there, so
 * where a later entry is, all earlier ones are.
 *
 * Nothing here decides what is published. An entry that somebody else put under the name of one of ours
 * stops the table where it stands; publishing goes on, and history_rebuild puts it right. What a repair
 * gave up is put right by the next run.
 */
#ifndef CAUCE_DERIVED_HISTORY_LOG_H
#define CAUCE_DERIVED_HISTORY_LOG_H

#include "catalog/catalog.h"
#include "catalog/inventory.h"
#include "derived/history/entry.h"

#define HISTORY_REMEDY "`cauce consolidate` puts it right."

/* How the table stands to the chain. */
enum history_phase {
    HISTORY_NONE,   /* there is none: it is not asked for, or nothing is published */
    HISTORY_FRESH,  /* it has the newest version */
    HISTORY_BEHIND, /* any later run goes on with it */
    HISTORY_UNFIT,  /* the files of this dataset are not for every reader, see history_can_hold */
};
const char *history_phase_name(enum history_phase phase); /* "none", "fresh", "behind", "unfit" */

struct history_report {
    enum history_phase phase;
    uint64_t written; /* entries that were created */
    uint64_t changed; /* entries that were put right or removed */
};

/*
 * Write the entries that are missing; where those of a chain that a repair gave up are in their way,
 * put them right as history_rebuild does. With none missing that is one request (where gc or a repair
 * came after the newest version two), after a version was published three. On failure those that were
 * written stay, and a later call goes on. ERR_DAMAGED: an entry is none of cauce's; the text names it.
 */
MUST_USE int history_bring_up(struct store *st, const struct base *base, struct history_report *out,
                              struct error *err);

/*
 * Make every entry what the chain says, a stranger's, too, and remove those of versions that are not in
 * it. For whoever is asked to put it right, or has set the pointer back: readers may have seen what is
 * replaced. ERR_AGAIN: somebody published meanwhile.
 */
MUST_USE int history_rebuild(struct store *st, const struct base *base, struct history_report *out,
                             struct error *err);

/*
 * The entry of that sequence, in full (`tag`, NULL allowed, of the same answer), and what it says of
 * itself. ERR_ABSENT; ERR_DAMAGED: it is not one of cauce's.
 */
MUST_USE int history_read(struct store *st, uint64_t sequence, struct str *entry,
                          struct store_tag *tag, struct history_head *out, struct error *err);

/* The versions from `first` on, up to that of the base; oldest first. To be released. */
struct history_chain {
    struct history_table table;
    struct history_version *items;
    size_t count, capacity;
    uint64_t first;
};
MUST_USE int history_chain_read(struct store *st, const struct base *base, uint64_t first,
                                struct history_chain *out, struct error *err);
void history_chain_release(struct history_chain *chain);

#endif
