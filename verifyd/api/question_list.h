// A list of addresses that are asked about, and its answers in the order in which they come. Neither is ever held as a
// whole: addresses are taken in while there is room for their questions, and a slow reader of the answers slows the
// questions down.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_QUESTION_LIST_H_
#define VERIFYD_VERIFYD_API_QUESTION_LIST_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/line_source.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "mail/question.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class QuestionList : public std::enable_shared_from_this<QuestionList> {
 public:
  // Questions that wait at one time: so many always, and kMore more with each prompt answer, while there is room for
  // them. A slow destination is not piled up with questions whose time would run out there.
  static constexpr size_t kLeastAtOnce = 100;
  static constexpr size_t kMore = 3;
  static constexpr absl::Duration kPrompt = absl::Seconds(10);
  // Answers that nobody has taken: beyond, no more questions are begun.
  static constexpr size_t kMostUntaken = 4096;
  // Where many questions are under way, answers are gathered for so long before they are handed on: the reader is woken
  // for many at a time.
  static constexpr absl::Duration kGathered = absl::Milliseconds(5);
  // A list without room looks so often whether there is some.
  static constexpr absl::Duration kLooksAgain = absl::Milliseconds(50);
  // Questions that begin in one turn of the loop; the doors have their turn in between.
  static constexpr size_t kInATurn = 8;

  // Asks `question` about each of `addresses` (one a line; empty lines and those that begin with '#' are passed over),
  // and returns a line of JSON for each. Loop and verifier must outlive the result.
  static LineSource Answers(Loop& loop, Verifier& verifier, Question question, LineSource addresses);

 private:
  QuestionList(Loop& loop, Verifier& verifier, Question question, LineSource addresses);

  static boost::asio::awaitable<void> Feed(std::shared_ptr<QuestionList> list);
  boost::asio::awaitable<std::optional<std::string>> Next();
  bool HasRoom() const;
  void Start(absl::string_view text);
  // `took` is the time from the question to the answer.
  void TakeIn(absl::string_view text, const Verdict& verdict, absl::Duration took);
  void Answered(const std::string& line);

  Loop& loop_;
  Verifier& verifier_;
  const Question question_;
  const LineSource addresses_;
  bool begun_ = false;
  bool ended_ = false;      // no more addresses will come
  bool abandoned_ = false;  // nothing reads the answers any more
  size_t running_ = 0;
  size_t most_at_once_ = kLeastAtOnce;
  std::string answers_;  // not taken yet
  size_t lines_ = 0;     // in them
  Signal answered_;
  Signal room_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_QUESTION_LIST_H_
