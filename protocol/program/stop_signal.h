// How a program that serves is asked to end.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_STOP_SIGNAL_H_
#define SEALFOLD_PROTOCOL_PROGRAM_STOP_SIGNAL_H_

namespace sealfold {

// Blocks SIGTERM and SIGINT and owns a descriptor that is readable once one of them has come, to be
// polled with sockets: no handler, no race. Made before the program's first thread, which inherits
// the blocking; once.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_STOP_SIGNAL_H_
