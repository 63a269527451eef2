// What notices and their bell say.
import { say } from ".";

say({
  en: {
    notices: {
      bell: "Notices: {{count}} unread",
      show: "Show",
      all: "All",
      unread: "Unread",
      none: "Nobody has told you anything yet.",
      noneUnread: "You have read everything.",
      list: "Notices",
      new: "New",
      read: "Mark as read",
      readName: "Mark as read: {{title}}",
      readAll: "Mark all as read",
      readDone: "All notices are marked as read.",
      buy: "Buy more",
      open: "Show notices",
    },
  },
  ko: {
    notices: {
      bell: "알림: 읽지 않음 {{count}}건",
      show: "보기",
      all: "전체",
      unread: "읽지 않음",
      none: "아직 알림이 없습니다.",
      noneUnread: "모든 알림을 읽었습니다.",
      list: "알림",
      new: "새 알림",
      read: "읽음으로 표시",
      readName: "읽음으로 표시: {{title}}",
      readAll: "모두 읽음으로 표시",
      readDone: "모든 알림을 읽음으로 표시했습니다.",
      buy: "추가 구매",
      open: "알림 보기",
    },
  },
});
