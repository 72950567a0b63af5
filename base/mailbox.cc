#include "base/mailbox.h"

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace verifyd {

struct Mailbox::Letters : std::enable_shared_from_this<Mailbox::Letters> {
  explicit Letters(Loop& loop) : loop(loop) {}

  Loop& loop;
  std::mutex mutex;
  std::deque<absl::AnyInvocable<void()>> waiting;

  void Call() {
    loop.Post([self = shared_from_this()] { self->Work(); });
  }
  void Work() {
    std::vector<absl::AnyInvocable<void()>> taken;
    bool more = false;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      for (; !waiting.empty() && taken.size() < kTogether; waiting.pop_front()) {
        taken.push_back(std::move(waiting.front()));
      }
      more = !waiting.empty();
    }
    for (absl::AnyInvocable<void()>& work : taken) work();
    if (more) Call();
  }
};

Mailbox::Mailbox(Loop& loop) : letters_(std::make_shared<Letters>(loop)) {}

void Mailbox::Post(absl::AnyInvocable<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(letters_->mutex);
    letters_->waiting.push_back(std::move(work));
    if (letters_->waiting.size() > 1) return;
  }
  letters_->Call();
}

}  // namespace verifyd
