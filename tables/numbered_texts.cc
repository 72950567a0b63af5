#include "tables/numbered_texts.h"

namespace verifyd {

std::pair<uint32_t, bool> NumberedTexts::Add(absl::string_view text) {
  const auto next = static_cast<uint32_t>(ends_.size());
  const auto place = numbers_.lazy_emplace(text, [&](const auto& construct) {
    bytes_.append(text.data(), text.size());
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
    construct(next);
  });
  return {*place, *place == next};
}

void NumberedTexts::Reserve(size_t count) {
  ends_.reserve(count);
  numbers_.reserve(count);
}

void NumberedTexts::ShrinkToFit() {
  bytes_.shrink_to_fit();
  ends_.shrink_to_fit();
}

std::optional<uint32_t> NumberedTexts::Find(absl::string_view text) const {
  const auto found = numbers_.find(text);
  if (found == numbers_.end()) return std::nullopt;
  return *found;
}

absl::string_view NumberedTexts::operator[](uint32_t number) const {
  const uint32_t begin = number == 0 ? 0 : ends_[number - 1];
  return absl::string_view(bytes_).substr(begin, ends_[number] - begin);
}

}  // namespace verifyd
