// The latest refusals by their ids: they explain an "(id K7W2MXQA)" that somebody was shown. In memory only.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_HISTORY_REFUSAL_BOOK_H_
#define VERIFYD_VERIFYD_HISTORY_REFUSAL_BOOK_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

class RefusalBook {
 public:
  // The oldest go first.
  static constexpr size_t kMost = 100000;
  static constexpr size_t kMostBytes = size_t{64} << 20;

  // Returns the id: eight characters that nobody mistakes for one another, not to be guessed from earlier ones.
  std::string Enter(const MailRequest& request, const Ruling& ruling, absl::Time now);
  // Returns all that is known, as a JSON object; `id` in upper or lower case.
  std::optional<std::string> Find(absl::string_view id) const;
  size_t size() const { return entries_.size(); }

 private:
  std::string NewId();

  absl::BitGen random_;
  absl::flat_hash_map<std::string, std::string> entries_;
  std::deque<std::string> ids_;  // oldest first
  size_t bytes_ = 0;
};

// True where `text` looks like an id; no address does.
bool IsRefusalId(absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_REFUSAL_BOOK_H_
