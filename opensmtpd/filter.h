// The filter: reads the lines of OpenSMTPD, asks verifyd about each recipient, and answers, in whatever order the
// answers come. It never stops mail: when anything fails, the recipient proceeds, and one line of the log says so until
// it works again. Nor does it end before OpenSMTPD does: OpenSMTPD would end with it.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_OPENSMTPD_FILTER_H_
#define VERIFYD_OPENSMTPD_FILTER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "opensmtpd/filter_protocol.h"
#include "opensmtpd/line_client.h"

namespace verifyd {

class Filter {
 public:
  // When so many questions wait for verifyd, further ones proceed at once.
  static constexpr size_t kMaxWaiting = 1000;

  // `loop` outlives the filter. The filter closes `input` at its end, but not `output`; they may be the same socket.
  Filter(Loop& loop, LinePlace place, int input, int output);
  ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  // Ends at the end of `input`. The questions still open then are dropped.
  boost::asio::awaitable<void> Run();

 private:
  struct Input;
  void TakeIn(absl::string_view bytes);
  void TakeLine(absl::string_view line);
  boost::asio::awaitable<void> Answer(FilterQuestion question);
  void Note(const absl::Status& status);
  void Write(absl::string_view text);

  Loop& loop_;
  LineClient client_;
  const std::unique_ptr<Input> input_;
  const int output_;
  // The part of a line that has come so far. A line of too many bytes is cut: no address is as long.
  std::string line_;
  size_t waiting_ = 0;
  bool complained_ = false;
};

}  // namespace verifyd

#endif  // VERIFYD_OPENSMTPD_FILTER_H_
