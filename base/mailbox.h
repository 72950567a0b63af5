// A mailbox: hands work to another loop when much of it comes at a time. The other loop is woken once and does
// everything posted until then together. After kTogether pieces, or after Loop::kUrgentInterval where pieces take long,
// it gives others their turn. Work that the loop has not done when it is destroyed is dropped with it.
//
// Thread: any; destructor and `waiting`: the loop's thread only.
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

  // Work is done in the order in which it was posted.
  void Post(absl::AnyInvocable<void()> work);
  // Returns the number of pieces that the loop has not done yet.
  size_t waiting() const;

 private:
  struct Letters;
  std::shared_ptr<Letters> letters_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_MAILBOX_H_
