// A mailbox: how one loop hands work to another when much of it comes at a time. Work that is posted while the other
// loop has not come to it yet is done together with it: it is woken once. After kTogether pieces, or where they take
// longer after Loop::kUrgentInterval, others have their turn. What a loop has not come to when it is destroyed goes
// with it.
//
// Thread: any, but for the destructor and `waiting`: the loop's.
#ifndef VERIFYD_BASE_MAILBOX_H_
#define VERIFYD_BASE_MAILBOX_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "base/loop.h"

namespace verifyd {

class Mailbox {
 public:
  static constexpr size_t kTogether = 32;

  // `loop`, which does the work, must outlive it.
  explicit Mailbox(Loop& loop);

  // In the order in which it was posted.
  void Post(absl::AnyInvocable<void()> work);
  // Pieces that the loop has not come to yet.
  size_t waiting() const;

 private:
  struct Letters;
  std::shared_ptr<Letters> letters_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_MAILBOX_H_
