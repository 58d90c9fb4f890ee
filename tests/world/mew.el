;;; SPDX-License-Identifier: ISC
;;; What somebody does with Mew: reads a Japanese message, answers it, moves it. What it sees goes
;;; into files of the home directory; test_mail_readers.py says what that must be. Started as
;;;
;;;     emacs -nw -q -l mew.el        with TEST_* in the environment

(defun test-of (name) (getenv (concat "TEST_" name)))

(defun test-tell (name text)
  (let ((coding-system-for-write 'utf-8))
    (write-region text nil (expand-file-name name "~"))))

(defun test-wait (is-so)
  "Until IS-SO, at most twenty seconds, while what is said comes in."
  (let ((count 0))
    (while (not (funcall is-so))
      (when (> (setq count (1+ count)) 400)
        (error "waited in vain for %s" is-so))
      (sit-for 0.05))))

(defun test-wait-summary ()
  (test-wait (lambda () (not mew-summary-buffer-process))))

(defun test-go-to (words)
  (goto-char (point-min))
  (unless (search-forward words nil t)
    (error "%s is not in %s" words (buffer-string)))
  (beginning-of-line))

(require 'mew)
(set-language-environment "Japanese")
(prefer-coding-system 'utf-8)
(fset 'mew-read-passwd (lambda (_prompt) (test-of "PASSWORD")))
(fset 'y-or-n-p (lambda (&rest _) t))
(setq user-full-name "菊"
      mew-use-cached-passwd t
      mew-ssl-verify-level 0
      mew-ask-send nil
      mew-mailbox-type 'pop
      mew-config-alist
      `((default
         (proto ,(test-of "PROTO"))
         (user ,(car (split-string (test-of "USER") "@")))
         (mail-domain ,(cadr (split-string (test-of "USER") "@")))
         (imap-user ,(test-of "USER")) (imap-server ,(test-of "IMAP_HOST"))
         (imap-ssl t) (imap-ssl-port ,(test-of "IMAP_PORT")) (imap-auth t) (imap-auth-list ("LOGIN"))
         (pop-user ,(test-of "USER")) (pop-server ,(test-of "POP_HOST"))
         (pop-ssl t) (pop-ssl-port ,(test-of "POP_PORT")) (pop-auth pass) (pop-delete t)
         (smtp-user ,(test-of "USER")) (smtp-server ,(test-of "SMTP_HOST"))
         (smtp-ssl t) (smtp-ssl-port ,(test-of "SMTP_PORT")) (smtp-auth-list ("PLAIN"))
         (fcc ,(test-of "FCC")))))

(defun test-read ()
  (mew '(4))  ; without asking for messages
  (mew-status-update '(4))  ; what folders are there
  (test-wait-summary)
  (mew-summary-retrieve)
  (test-wait-summary)
  (test-tell "summary" (buffer-string))
  (test-go-to (test-of "SUBJECT"))
  (call-interactively 'mew-summary-display)
  (test-wait-summary)
  (test-tell "message" (with-current-buffer (mew-buffer-message) (buffer-string))))

(defun test-answer ()
  (let ((summary (current-buffer)))
    (mew-summary-reply)
    (mew-header-replace-value "To:" (test-of "USER"))
    (goto-char (point-max))
    (insert (test-of "ANSWER") "\n")
    (mew-draft-send-message)
    (test-wait (lambda () (not (mew-smtp-get-server (mew-smtp-info-name mew-case-default)))))
    (test-wait (lambda () (null (get-process "mew-imap2-info-"))))
    (set-buffer summary)
    (switch-to-buffer summary)))

(defun test-move ()
  (test-go-to (test-of "SUBJECT"))
  (mew-summary-refile-body (list (test-of "FOLDER")))
  (mew-summary-exec)
  (test-wait-summary))

(defun test-all ()
  (condition-case problem
      (progn
        (test-read)
        (test-answer)
        (test-move)
        (test-tell "done" "yes"))
    (error (test-tell "problem" (format "%S\n%s" problem
                                        (with-current-buffer "*Messages*" (buffer-string))))))
  (kill-emacs))

(run-at-time 0.1 nil 'test-all)
