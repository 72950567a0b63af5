#include "base/poller.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"

namespace verifyd {

struct Poller::Impl {
  Impl(Loop& loop, std::function<void(void*)> on_ready, std::function<void()> on_round)
      : loop(loop),
        descriptor(loop.context(), epoll_create1(EPOLL_CLOEXEC)),
        on_ready(std::move(on_ready)),
        on_round(std::move(on_round)),
        urgent(loop.urgent().insert(loop.urgent().end(), [this] {
          if (watched > 0) Round();
        })) {}

  static void Wait(const std::shared_ptr<Impl>& self);
  void Round();

  Loop& loop;
  boost::asio::posix::stream_descriptor descriptor;  // the epoll instance is a descriptor, too: readable when one of
                                                     // its sockets is ready
  std::function<void(void* owner)> on_ready;
  std::function<void()> on_round;
  const std::list<std::function<void()>>::iterator urgent;
  size_t watched = 0;  // sockets
  bool ended = false;
};

Poller::Poller(Loop& loop, std::function<void(void* owner)> on_ready, std::function<void()> on_round)
    : impl_(std::make_shared<Impl>(loop, std::move(on_ready), std::move(on_round))) {
  Impl::Wait(impl_);
}

Poller::~Poller() {
  impl_->ended = true;
  impl_->loop.urgent().erase(impl_->urgent);
  impl_->descriptor.close();
}

void Poller::Watch(int fd, void* owner, For before, For what) {
  if (before == what) return;
  if (before == For::kNothing) ++impl_->watched;
  if (what == For::kNothing) --impl_->watched;
  epoll_event event = {};
  event.events = what == For::kReading ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
  event.data.ptr = owner;
  // Take the socket out: with no interest set, the kernel would still report its errors.
  const int operation = before == For::kNothing ? EPOLL_CTL_ADD : what == For::kNothing ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (epoll_ctl(impl_->descriptor.native_handle(), operation, fd, &event) != 0) {
    LogError(absl::StrCat("internal error: cannot watch socket ", fd, ": ", std::strerror(errno)));
  }
}

void Poller::Impl::Wait(const std::shared_ptr<Impl>& self) {
  self->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                              [self](const boost::system::error_code& error) {
                                if (error || self->ended) return;
                                self->Round();
                                if (!self->ended) Wait(self);
                              });
}

void Poller::Impl::Round() {
  std::array<epoll_event, 128> events;
  const int count = epoll_wait(descriptor.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count && !ended; ++i) on_ready(events[static_cast<size_t>(i)].data.ptr);
  if (!ended) on_round();
}

}  // namespace verifyd
