// What notices and their bell say.
import { say } from ".";

say({
  en: {
    notices: {
      bell: "Notices: {{count}} unread",
      unread: "Unread",
      none: "No notices yet. You are told here when credit runs low, comes in, or is about to end.",
      noneUnread: "You have read everything.",
      new: "New",
      read: "Mark as read",
      readName: "Mark as read: {{title}}",
      readAll: "Mark all as read",
      readDone: "All notices are marked as read.",
      open: "Show notices",
    },
  },
  ko: {
    notices: {
      bell: "읽지 않은 알림 {{count}}건",
      unread: "읽지 않음",
      none: "아직 알림이 없습니다. 크레딧이 부족하거나, 들어오거나, 곧 만료될 때 여기에서 알려 드립니다.",
      noneUnread: "모든 알림을 읽었습니다.",
      new: "새 알림",
      read: "읽음으로 표시",
      readName: "읽음으로 표시: {{title}}",
      readAll: "모두 읽음으로 표시",
      readDone: "모든 알림을 읽음으로 표시했습니다.",
      open: "알림 보기",
    },
  },
});
