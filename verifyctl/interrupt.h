// Ctrl-C: the first one asks the running verb to end at a whole line, the second one ends the program.
//
// Thread: any; one Interrupt at a time.
#ifndef VERIFYD_VERIFYCTL_INTERRUPT_H_
#define VERIFYD_VERIFYCTL_INTERRUPT_H_

#include <signal.h>

namespace verifyd {

class Interrupt {
 public:
  // Shells report an end by SIGINT so.
  static constexpr int kExitCode = 130;

  // Catches SIGINT for as long as it lives.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool wanted() const;

 private:
  struct sigaction before_ {};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_INTERRUPT_H_
