// A transport to a software TPM that also knows a NitroTPM's command, for tests only.
//
// It answers the vendor's command, and what takes more NV memory than swtpm has; everything else
// goes through. It checks the command as a NitroTPM does: its form, and its session's HMAC, whose
// key it can know only because the test says what the caller drew at random.
#ifndef SEALFOLD_ATTEST_TESTING_DEVICES_NITROTPM_STANDIN_H_
#define SEALFOLD_ATTEST_TESTING_DEVICES_NITROTPM_STANDIN_H_

#include <tss2/tss2_tcti.h>

#include <functional>
#include <memory>
#include <vector>

#include "attest/nitro/nsm_message.h"
#include "attest/nitrotpm/device/hmac_session.h"
#include "protocol/base/bytes.h"

namespace sealfold {

class NitroTpmStandin {
 public:
  // What a NitroTPM would answer to the request that was written.
  using Answer = std::function<Bytes(const NsmRequest&)>;
  // In front of a swtpm, which the caller keeps.
  NitroTpmStandin(TSS2_TCTI_CONTEXT* swtpm, Answer answer);
  ~NitroTpmStandin();
  NitroTpmStandin(const NitroTpmStandin&) = delete;
  NitroTpmStandin& operator=(const NitroTpmStandin&) = delete;

  TSS2_TCTI_CONTEXT* tcti();
  // Random bytes of which the stand-in keeps a copy.
  FillBytes random();

  // Breaks the next answers of the command: the HMAC of it.
  void BreakAnswers() { break_answers_ = true; }
  size_t requests() const { return requests_; }  // the command was good
  size_t defined() const { return defined_; }    // NV indexes that are defined now

 private:
  struct Context;
  TSS2_RC Transmit(ByteSpan command);
  TSS2_RC Receive(size_t* size, uint8_t* out);
  TSS2_RC PassOn(ByteSpan command);
  Bytes TakeAnswer();
  Bytes AnswerRequest(ByteSpan command);
  Bytes ReadMemory(ByteSpan command);

  std::unique_ptr<Context> context_;
  TSS2_TCTI_CONTEXT* swtpm_;
  Answer answer_;
  std::vector<Bytes> drawn_;
  Bytes memory_;       // of the NV index
  Bytes pending_;      // an answer of our own; empty: the swtpm's
  uint32_t sent_ = 0;  // the command code that the swtpm works on
  Bytes session_command_;
  uint32_t session_ = 0;
  Bytes nonce_caller_, nonce_tpm_;
  bool break_answers_ = false;
  size_t requests_ = 0, defined_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_DEVICES_NITROTPM_STANDIN_H_
