// A thread's wish where there are fewer processors than threads with work (sched(7)). Where the system does not grant
// it, everything works all the same, only later, so nothing is reported.
//
// Thread: for the thread that calls it.
#ifndef VERIFYD_VERIFYD_THREAD_PRIORITY_H_
#define VERIFYD_VERIFYD_THREAD_PRIORITY_H_

namespace verifyd {

// Lets others go first, somewhat (nice(2): 5): probes and files may come a little later, a client that waits at a door
// may not.
void GiveWay();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_THREAD_PRIORITY_H_
