/* SPDX-License-Identifier: ISC */
/*
 * void fiber_context_switch(void **save_sp, void *load_sp)
 *
 * Pushes what the System V ABI says a call keeps, leaves the stack pointer in *save_sp, takes the
 * other stack and pops the same. It ends with pop + jmp: a ret would miss the processor's return
 * predictor, which knows the other stack's caller. The CFI holds on both stacks, since both have
 * the same frame: a debugger unwinds parked fibers through it.
 */
    .text
    .globl fiber_context_switch
    .hidden fiber_context_switch
    .type fiber_context_switch, @function
    .balign 16
fiber_context_switch:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmpq *%rcx
    .cfi_endproc
    .size fiber_context_switch, . - fiber_context_switch
    .section .note.GNU-stack, "", @progbits
