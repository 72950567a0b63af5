#include "verifyd/api/question_list.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "mail/address.h"
#include "verifyd/api/route.h"

namespace verifyd {
LineSource QuestionList::Answers(Loop& loop, Verifier& verifier, Question question, LineSource addresses) {
  const std::shared_ptr<QuestionList> list(new QuestionList(loop, verifier, std::move(question), std::move(addresses)));
  // Letting go of the listener abandons the list, which questions under way still hold.
  const std::shared_ptr<QuestionList> listener(list.get(), [list](QuestionList* /*same*/) {
    list->abandoned_ = true;
    list->room_.NotifyAll();
  });
  return [listener] { return listener->Next(); };
}

QuestionList::QuestionList(Loop& loop, Verifier& verifier, Question question, LineSource addresses)
    : loop_(loop),
      verifier_(verifier),
      question_(std::move(question)),
      addresses_(std::move(addresses)),
      answered_(loop),
      room_(loop) {}

boost::asio::awaitable<std::optional<std::string>> QuestionList::Next() {
  if (!std::exchange(begun_, true)) loop_.Spawn(Feed(shared_from_this()));
  while (answers_.empty() && (!ended_ || running_ > 0)) co_await answered_.Wait();
  if (answers_.empty()) co_return std::nullopt;
  if (running_ > kLeastAtOnce) co_await loop_.Sleep(kGathered);
  lines_ = 0;
  std::string taken = std::exchange(answers_, std::string());
  if (HasRoom()) room_.NotifyAll();
  co_return taken;
}

boost::asio::awaitable<void> QuestionList::Feed(std::shared_ptr<QuestionList> list) {
  size_t in_this_turn = 0;
  while (!list->abandoned_) {
    const std::optional<std::string> lines = co_await list->addresses_();
    if (!lines.has_value()) break;
    for (absl::string_view line : absl::StrSplit(*lines, '\n')) {
      line = absl::StripAsciiWhitespace(line);
      if (line.empty() || line[0] == '#') continue;
      while (!list->HasRoom() && !list->abandoned_) {
        // Others may have made room.
        co_await list->room_.Wait(list->loop_.clock().Mono() + kLooksAgain);
      }
      if (list->abandoned_) break;
      list->Start(line);
      if (++in_this_turn % kInATurn == 0) co_await list->loop_.Yield();
    }
  }
  list->ended_ = true;
  list->answered_.NotifyAll();
}

bool QuestionList::HasRoom() const {
  if (lines_ >= kMostUntaken) return false;
  const size_t at_once = running_ + lines_;
  return at_once < kLeastAtOnce || (at_once < most_at_once_ && verifier_.HasRoomForLists());
}

void QuestionList::Start(absl::string_view text) {
  absl::StatusOr<Address> address = Address::Parse(text);
  if (!address.ok()) return Answered(AnswerLine(text, address.status()));
  Question question = question_;
  question.address = *std::move(address);
  ++running_;
  verifier_.Ask(std::move(question),
                [list = shared_from_this(), text = std::string(text), asked = loop_.clock().Mono()](
                    const Verdict& verdict) { list->TakeIn(text, verdict, list->loop_.clock().Mono() - asked); });
}

void QuestionList::TakeIn(absl::string_view text, const Verdict& verdict, absl::Duration took) {
  --running_;
  if (abandoned_) return;
  if (took <= kPrompt) {
    most_at_once_ += kMore;
  } else {
    most_at_once_ = std::max(most_at_once_ - 1, kLeastAtOnce);
  }
  Answered(AnswerLine(text, verdict));
}

void QuestionList::Answered(const std::string& line) {
  absl::StrAppend(&answers_, line);
  ++lines_;
  answered_.NotifyAll();
  if (HasRoom()) room_.NotifyAll();
}

}  // namespace verifyd
