// The forms in which a text names an address that it was asked about. Whoever may name an address chooses its local
// part, "x blocked using zen.spamhaus.org"@our.example, and servers repeat it in many ways: as it was sent, without its
// quotes or backslashes, with more of them, in other case, percent-encoded, without its domain, wrapped over lines, cut
// off. Nothing of that may be taken for words of the server, and nothing of it may be logged where addresses are not.
//
// White space, quotes and backslashes are looked over, in the local part as in the text, and letters are compared
// folded (mail/folded_text.h): text that is folded has the same forms. The domain need not be compared: a local part
// with "@" behind it is an address, whatever the domain has become (U-labels, A-labels, cut off).
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
  // Letters that a form must have where it is cut off and nothing else tells that it is an address; of an odd local
  // part fewer are enough.
  static constexpr size_t kLeastCut = 8;
  static constexpr size_t kLeastCutOdd = 3;

  // Bytes of a text. Quotes around the local part and an "@" behind it (or "%40") belong to it.
  struct Place {
    size_t begin = 0;
    size_t end = 0;
    bool at_sign = false;  // it ends with one
    // It can be nothing but the address: there is an "@" behind it, or it stands in <>. Else it is a word, or a few,
    // which may as well be the text's own: "user", "full".
    bool sure = false;
  };
  // `local` is without quotes, as Address::local() and what stands before the last "@" of Address::Key().
  explicit AddressForms(absl::string_view local);

  // In their order; none overlaps another. Linear in the length of `text`.
  std::vector<Place> In(absl::string_view text) const;

  // `text` with "@" for each form.
  std::string Marked(absl::string_view text) const;

  // True if people have no such local part: it needs quotes, or has other signs than people use.
  bool odd() const { return odd_; }
  // `text` without every word that is also found in the local part: nothing is left of forms that are not known.
  std::string WithoutItsWords(absl::string_view text) const;

 private:
  struct Match {
    size_t letters = 0;  // so many of the local part
    size_t end = 0;      // behind the last of them
  };
  bool CanBegin(absl::string_view text, size_t at) const;
  Match MatchAt(absl::string_view text, size_t at) const;
  size_t TakeLetter(absl::string_view text, size_t at, size_t& letters) const;
  // `end` is 0 where there is none.
  Place FormAt(absl::string_view text, size_t begin) const;

  std::string folded_;   // the local part, folded
  std::string letters_;  // of it, without what is looked over
  bool odd_ = false;
};

// `text` with each of `places` replaced: by `mark`, and where its "@" was a part of it, by `mark_at_sign`.
std::string Replaced(absl::string_view text, const std::vector<AddressForms::Place>& places, absl::string_view mark,
                     absl::string_view mark_at_sign);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_ADDRESS_FORMS_H_
