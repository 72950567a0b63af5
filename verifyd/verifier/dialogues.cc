#include "verifyd/verifier/dialogues.h"

#include <iterator>
#include <utility>

namespace verifyd {

void Dialogues::Keep(absl::string_view key, KeptDialogue dialogue) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) Forget(found->second);
  size_t bytes = sizeof(Kept) + 2 * (sizeof(std::string) + key.size());
  for (const DialogueLine& line : dialogue.lines) bytes += sizeof(line) + line.text.size();
  kept_.push_back({std::string(key), std::move(dialogue), bytes});
  by_key_.emplace(key, std::prev(kept_.end()));
  bytes_ += bytes;
  while (bytes_ > kMostBytes) Forget(kept_.begin());
}

void Dialogues::Forget(std::list<Kept>::iterator kept) {
  bytes_ -= kept->bytes;
  by_key_.erase(kept->key);
  kept_.erase(kept);
}

const KeptDialogue* Dialogues::Find(absl::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &found->second->dialogue;
}

}  // namespace verifyd
