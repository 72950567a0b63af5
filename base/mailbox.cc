#include "base/mailbox.h"

#include <mutex>
#include <utility>
#include <vector>

namespace verifyd {

struct Mailbox::Letters : std::enable_shared_from_this<Mailbox::Letters> {
  explicit Letters(Loop& loop) : loop(loop) {}

  Loop& loop;
  std::mutex mutex;
  bool called = false;  // Work is on its way, or at work
  std::vector<absl::AnyInvocable<void()>> waiting;
  // Loop thread only: the pieces that Work took when it last looked, and how many of them are done.
  std::vector<absl::AnyInvocable<void()>> taken;
  size_t done = 0;

  // A turn of the loop. When the loop ends before the turn runs, the turn drops the waiting work: that may own the
  // owner of the mailbox.
  struct Turn {
    explicit Turn(std::shared_ptr<Letters> letters) : letters(std::move(letters)) {}
    Turn(Turn&&) = default;
    ~Turn() {
      if (letters != nullptr) letters->Drop();
    }
    void operator()() { std::exchange(letters, nullptr)->Work(); }

    std::shared_ptr<Letters> letters;
  };

  void Call() { loop.Post(Turn(shared_from_this())); }

  void Work() {
    const MonoTime until = loop.clock().Mono() + Loop::kUrgentInterval;
    for (size_t pieces = 0; pieces < kTogether && (pieces == 0 || loop.clock().Mono() < until); ++pieces) {
      if (done == taken.size() && !Take()) return;
      taken[done++]();
    }
    Call();
  }

  void Drop() {
    std::vector<absl::AnyInvocable<void()>> dropped;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      called = false;
      dropped.swap(waiting);
    }
    taken.clear();
    done = 0;
  }

  // False: nothing waits, and the next post will start a turn.
  bool Take() {
    taken.clear();
    done = 0;
    const std::lock_guard<std::mutex> lock(mutex);
    if (waiting.empty()) called = false;
    taken.swap(waiting);
    return called;
  }
};

Mailbox::Mailbox(Loop& loop) : letters_(std::make_shared<Letters>(loop)) {}

void Mailbox::Post(absl::AnyInvocable<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(letters_->mutex);
    letters_->waiting.push_back(std::move(work));
    if (std::exchange(letters_->called, true)) return;
  }
  letters_->Call();
}

size_t Mailbox::waiting() const {
  const std::lock_guard<std::mutex> lock(letters_->mutex);
  return letters_->taken.size() - letters_->done + letters_->waiting.size();
}

}  // namespace verifyd
