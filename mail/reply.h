// The reply of an SMTP or LMTP server: code, enhanced code, text (RFC 5321 section 4.2, RFC 2034, RFC 3463).
//
// Thread: any (values; a ReplyParser belongs to one session).
#ifndef VERIFYD_MAIL_REPLY_H_
#define VERIFYD_MAIL_REPLY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// 5.1.1 and its like. All zero: none was given.
struct EnhancedCode {
  uint8_t status_class = 0;  // 2, 4, 5
  uint16_t subject = 0;
  uint16_t detail = 0;

  bool given() const { return status_class != 0; }
  std::string ToString() const;  // "5.1.1", or "" when none was given
  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;

  // Reads a code at the start of `text` ("5.1.1 User unknown", "#5.1.0 Address rejected."), or none. `rest`, when
  // given, becomes the text after it without leading white space (all of `text` where there is no code).
  static EnhancedCode TakeFrom(absl::string_view text, absl::string_view* rest = nullptr);
  // Returns the first code at the start of a line, else one in parentheses at the end of a line ("(#5.1.1)"), or none.
  static EnhancedCode FoundIn(const std::vector<std::string>& lines);
};

struct Reply {
  int code = 0;  // 200 to 599
  // As EnhancedCode::FoundIn says. Kept as the server wrote it, also where its class contradicts the code.
  EnhancedCode enhanced;
  // The text of each line after "NNN " or "NNN-", enhanced code included, without line end. Raw bytes.
  std::vector<std::string> lines;

  int code_class() const { return code / 100; }
  bool ok() const { return code_class() == 2; }
  // Returns "550 5.1.1 a b": the code and all lines that are not blank, joined by spaces; printable, at most
  // `max_bytes`.
  std::string ToLine(size_t max_bytes = 250) const;
  // Returns all lines joined by '\n', raw, for the classifier.
  std::string Text() const;

  // Reads a whole reply from text, its lines separated by '\n' (tests, corpora, import). Same rules as the parser, but
  // the last line ends the reply even if it says "NNN-": a quotation is often only the beginning of a reply.
  static absl::StatusOr<Reply> Parse(absl::string_view text);
};

// Takes bytes as they come and makes replies of them. Bounded: a line of at most kMaxLine bytes, a reply of at most
// kMaxLines lines and kMaxReply bytes. Anything larger is an error, and so is anything that is not a reply. After an
// error the parser stays in error: the stream can not be trusted any more.
//
// Accepted, because real servers do it: bare LF; no text after the code; a tab instead of the space; differing codes
// within a reply (the last line's counts, RFC 5321 section 4.2.1 forbids it); an empty line within a reply, which is
// text, as is trailing white space.
class ReplyParser {
 public:
  // Lines beyond RFC 5321's 512 octets are common; a longer one than this is no reply.
  static constexpr size_t kMaxLine = 4096;
  static constexpr size_t kMaxLines = 128;
  static constexpr size_t kMaxReply = 32768;

  // Consumes from the front of `bytes` up to the end of one reply. Returns a Reply when one is complete, nullopt when
  // more bytes are needed (then all bytes are consumed). Errors: InvalidArgument "not an SMTP reply: ..." (with the
  // bytes found, printable), ResourceExhausted "reply line of more than 4096 bytes" and its like.
  absl::StatusOr<std::optional<Reply>> Feed(absl::string_view& bytes);

  // Returns true if no byte of an unfinished reply is held.
  bool at_boundary() const { return line_.empty() && reply_.lines.empty(); }

 private:
  absl::Status TakeLine(absl::string_view line, bool& complete);
  Reply Finish();

  std::string line_;
  Reply reply_;
  size_t reply_bytes_ = 0;
  absl::Status error_;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_REPLY_H_
