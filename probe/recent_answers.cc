#include "probe/recent_answers.h"

#include <algorithm>

namespace verifyd {

void RecentAnswers::Note(absl::string_view domain, MonoTime now) {
  const size_t hash = HashOf(domain);
  Answer* place = answers_.data();
  for (Answer& answer : answers_) {
    if (answer.given && answer.domain == hash) {
      answer.when = now;
      return;
    }
    if (!answer.given || (place->given && answer.when < place->when)) place = &answer;
  }
  *place = {.domain = hash, .when = now, .given = true};
}

bool RecentAnswers::Of(absl::string_view domain, MonoTime now) const {
  const size_t hash = HashOf(domain);
  return std::any_of(answers_.begin(), answers_.end(),
                     [&](const Answer& answer) { return answer.Lately(now) && answer.domain == hash; });
}

bool RecentAnswers::Any(MonoTime now) const {
  return std::any_of(answers_.begin(), answers_.end(), [&](const Answer& answer) { return answer.Lately(now); });
}

bool RecentAnswers::Beside(const absl::flat_hash_set<size_t>& domains, MonoTime now) const {
  return std::any_of(answers_.begin(), answers_.end(),
                     [&](const Answer& answer) { return answer.Lately(now) && !domains.contains(answer.domain); });
}

}  // namespace verifyd
