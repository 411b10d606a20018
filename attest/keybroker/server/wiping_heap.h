// What this program frees is overwritten first. Requests and answers pass through libraries that
// keep no secret apart from the rest: cpp-httplib, the JSON parser, OpenSSL's buffers. A plaintext
// to encrypt, or one released in the clear, is in all of them.
//
// Of a program, not of a library: where this is linked, operators new and delete and OpenSSL's
// memory are taken over before anything else begins. What C libraries have by malloc of their own
// is not (libsodium's and tpm2-tss's).
#ifndef SEALFOLD_ATTEST_KEYBROKER_SERVER_WIPING_HEAP_H_
#define SEALFOLD_ATTEST_KEYBROKER_SERVER_WIPING_HEAP_H_

namespace sealfold {

// Ends the program unless that has been done.
void CheckHeapWipes();

// Overwrites what returned calls have left on this thread's stack, 128 KiB of it.
void WipeStack();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_SERVER_WIPING_HEAP_H_
