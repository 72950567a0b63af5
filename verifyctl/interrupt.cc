#include "verifyctl/interrupt.h"

namespace verifyd {
namespace {

volatile sig_atomic_t interrupted = 0;

void Note(int /*signal*/) { interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = Note;
  // A read or a question under way goes on to its end: it is short.
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() { ::sigaction(SIGINT, &before_, nullptr); }

bool Interrupt::wanted() const { return interrupted != 0; }

}  // namespace verifyd
