// The forms in which a text repeats the address that its server was asked about. A stranger who may name an address
// chooses its local part, "x blocked using zen.spamhaus.org"@our.example, and servers repeat it in many ways: as it was
// sent, without its quotes or backslashes, with more of them, in other case, percent-encoded, without its domain,
// wrapped over lines, cut off. None of that may be taken for words of the server. None of it may be logged where
// addresses may not be.
//
// White space, quotes and backslashes are skipped, in the local part as in the text, and letters are compared folded
// (mail/folded_text.h): folded text has the same forms. The domain is not compared: a local part with "@" after it is
// an address, whatever the domain has become (U-labels, A-labels, cut off).
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_ADDRESS_FORMS_H_
#define VERIFYD_MAIL_ADDRESS_FORMS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace verifyd {

class AddressForms {
 public:
  // A form that is cut off must have so many letters where nothing else shows that it is an address. Fewer are enough
  // for an odd local part.
  static constexpr size_t kLeastCut = 8;
  static constexpr size_t kLeastCutOdd = 3;

  // Bytes of a text, with the quotes around the local part and the "@" (or "%40") after it.
  struct Place {
    size_t begin = 0;
    size_t end = 0;
    bool at_sign = false;  // it ends with "@"
    // It can only be the address: an "@" follows, or it stands in <>. Else it is a word, or a few, which may as well be
    // the text's own: "user", "full".
    bool sure = false;
  };
  // `local` is without quotes, like Address::local() and the text before the last "@" of Address::Key().
  explicit AddressForms(absl::string_view local);

  // Returns the places in their order; none overlaps another. Linear in the length of `text`.
  std::vector<Place> In(absl::string_view text) const;

  // Returns `text` with "@" in place of each form.
  std::string Marked(absl::string_view text) const;

  // Returns true if people have no such local part: it needs quotes, or has signs that people do not use.
  bool odd() const { return odd_; }
  // Returns `text` without every word that is also found in the local part, so that nothing is left of unknown forms.
  std::string WithoutItsWords(absl::string_view text) const;

 private:
  struct Match {
    size_t letters = 0;  // letters of the local part that matched
    size_t end = 0;      // after the last of them
  };
  bool CanBegin(absl::string_view text, size_t at) const;
  Match MatchAt(absl::string_view text, size_t at) const;
  size_t TakeLetter(absl::string_view text, size_t at, size_t& letters) const;
  // `end` is 0 where there is no form.
  Place FormAt(absl::string_view text, size_t begin) const;

  std::string folded_;   // the local part, folded
  std::string letters_;  // `folded_` without the skipped characters
  bool odd_ = false;
};

// Returns `text` with each of `places` replaced by `mark`, or by `mark_at_sign` where the place ends with an "@".
std::string Replaced(absl::string_view text, const std::vector<AddressForms::Place>& places, absl::string_view mark,
                     absl::string_view mark_at_sign);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_ADDRESS_FORMS_H_
