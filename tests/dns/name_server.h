// A name server on 127.0.0.1 that lives on the test's own loop and gives the answers that the test has set. UDP and
// TCP.
#ifndef VERIFYD_TESTS_DNS_NAME_SERVER_H_
#define VERIFYD_TESTS_DNS_NAME_SERVER_H_

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/loop.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address_v4.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ip/udp.hpp"
#include "boost/asio/read.hpp"
#include "boost/asio/write.hpp"
#include "dns/answer.h"
#include "tests/dns/packet.h"

namespace verifyd {

class NameServer {
 public:
  explicit NameServer(Loop& loop) : udp_(loop.context()), tcp_(loop.context()) {
    // The kernel picks a UDP port. The TCP port of the same number may be taken; then another is tried.
    const auto loopback = boost::asio::ip::address_v4::loopback();
    for (int attempt = 0; attempt < 20; ++attempt) {
      udp_ = boost::asio::ip::udp::socket(loop.context(), {loopback, 0});
      tcp_.open(boost::asio::ip::tcp::v4());
      boost::system::error_code error;
      tcp_.bind({loopback, udp_.local_endpoint().port()}, error);
      if (!error) break;
      tcp_.close();
    }
    tcp_.listen();
    Receive();
    Accept();
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", udp_.local_endpoint().port()); }

  // Sets the answer for a name; the packet's question does not matter. A name that was not set does not exist.
  void Set(const std::string& name, const Packet& packet) { answers_.insert_or_assign(name, packet); }
  // Never answers this name.
  void Ignore(const std::string& name) { ignored_.insert(name); }
  // Answers this name over UDP with "truncated", so that the client comes by TCP.
  void Truncate(const std::string& name) { truncated_.insert(name); }
  // Answers only when this many questions have come.
  void HoldUntil(size_t count) { hold_until_ = count; }
  void Release() {
    for (const auto& [to, message] : held_) udp_.send_to(boost::asio::buffer(message), to);
    held_.clear();
  }
  // Called with every question before it is answered.
  void set_observer(std::function<void()> observer) { observer_ = std::move(observer); }

  size_t asked() const { return asked_; }
  size_t asked_by_tcp() const { return asked_by_tcp_; }
  const std::set<uint16_t>& ports() const { return ports_; }
  bool ad_requested() const { return ad_requested_; }

 private:
  using TcpSocket = boost::asio::ip::tcp::socket;

  void Receive() {
    udp_.async_receive_from(boost::asio::buffer(buffer_), from_,
                            [this](const boost::system::error_code& error, size_t size) {
                              if (error) return;
                              ports_.insert(from_.port());
                              Take(std::string(buffer_.data(), size), from_);
                              Receive();
                            });
  }

  void Take(const std::string& query, const boost::asio::ip::udp::endpoint& from) {
    const std::string answer = AnswerTo(query, truncated_);
    if (!answer.empty()) held_.emplace_back(from, answer);
    if (held_.size() >= hold_until_) Release();
  }

  void Accept() {
    tcp_.async_accept([this](const boost::system::error_code& error, TcpSocket socket) {
      if (error) return;
      AnswerOn(std::make_shared<TcpSocket>(std::move(socket)));
      Accept();
    });
  }

  // Takes one question a connection and answers it at once: c-ares writes it whole.
  void AnswerOn(const std::shared_ptr<TcpSocket>& socket) {
    auto length = std::make_shared<std::array<unsigned char, 2>>();
    boost::asio::async_read(*socket, boost::asio::buffer(*length),
                            [this, socket, length](const boost::system::error_code& error, size_t) {
                              if (error) return;
                              std::string query(static_cast<size_t>((*length)[0] << 8 | (*length)[1]), '\0');
                              boost::asio::read(*socket, boost::asio::buffer(query));
                              ++asked_by_tcp_;
                              const std::string answer = AnswerTo(query, {});
                              const std::string framed = U16(static_cast<uint16_t>(answer.size())) + answer;
                              boost::asio::write(*socket, boost::asio::buffer(framed));
                            });
  }

  std::string AnswerTo(const std::string& query, const std::set<std::string>& truncated) {
    ++asked_;
    ad_requested_ = (static_cast<unsigned char>(query[3]) & 0x20) != 0;
    if (observer_) observer_();
    std::string name;
    size_t at = 12;
    while (query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      absl::StrAppend(&name, name.empty() ? "" : ".", absl::string_view(query).substr(at + 1, length));
      at += length + 1U;
    }
    const auto type = static_cast<DnsType>(static_cast<unsigned char>(query[at + 2]));
    const std::string key = absl::AsciiStrToLower(name);
    if (ignored_.contains(key)) return "";
    if (truncated.contains(key)) return Packet(name, type).Flags(kPlainAnswer | 0x200).Build(query.substr(0, 2));
    const auto known = answers_.find(key);
    Packet packet = known == answers_.end() ? Packet(name, type).Rcode(3).Soa(300, 300) : known->second;
    return packet.Question(name, type).Build(query.substr(0, 2));
  }

  boost::asio::ip::udp::socket udp_;
  boost::asio::ip::tcp::acceptor tcp_;
  std::array<char, 2048> buffer_;
  boost::asio::ip::udp::endpoint from_;
  std::vector<std::pair<boost::asio::ip::udp::endpoint, std::string>> held_;
  size_t hold_until_ = 1;
  std::map<std::string, Packet> answers_;
  std::set<std::string> ignored_;
  std::set<std::string> truncated_;
  std::function<void()> observer_;
  size_t asked_ = 0;
  size_t asked_by_tcp_ = 0;
  std::set<uint16_t> ports_;
  bool ad_requested_ = false;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_DNS_NAME_SERVER_H_
