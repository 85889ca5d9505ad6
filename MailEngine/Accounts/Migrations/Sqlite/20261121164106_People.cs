using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class People : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_account_DisplayName",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_LastLoginAt",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_State_NormalizedUserName",
                table: "account");

            migrationBuilder.RenameColumn(
                name: "Folders",
                table: "store_task",
                newName: "Details");

            migrationBuilder.AddColumn<bool>(
                name: "FreeAddresses",
                table: "domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<int>(
                name: "MaxOwnAliases",
                table: "domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "UsersMayForward",
                table: "domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<long>(
                name: "MadeById",
                table: "address",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "SuspendedUntil",
                table: "account",
                type: "INTEGER",
                nullable: true);

            // A switch that is new: everybody who has a mailbox has it on.
            migrationBuilder.Sql("UPDATE \"account\" SET \"Services\" = \"Services\" + 32 WHERE \"HasMailbox\"");

            migrationBuilder.CreateTable(
                name: "last_login",
                columns: table => new
                {
                    AccountId = table.Column<long>(type: "INTEGER", nullable: false),
                    Service = table.Column<int>(type: "INTEGER", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    Network = table.Column<string>(type: "TEXT", maxLength: 48, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_last_login", x => new { x.AccountId, x.Service });
                    table.ForeignKey(
                        name: "FK_last_login_account_AccountId",
                        column: x => x.AccountId,
                        principalTable: "account",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "preferences",
                columns: table => new
                {
                    AccountId = table.Column<long>(type: "INTEGER", nullable: false),
                    Language = table.Column<string>(type: "TEXT", maxLength: 16, nullable: false),
                    RowsPerPage = table.Column<int>(type: "INTEGER", nullable: false),
                    Scheme = table.Column<int>(type: "INTEGER", nullable: false),
                    WarnPercent = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_preferences", x => x.AccountId);
                    table.ForeignKey(
                        name: "FK_preferences_account_AccountId",
                        column: x => x.AccountId,
                        principalTable: "account",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "vacation",
                columns: table => new
                {
                    AccountId = table.Column<long>(type: "INTEGER", nullable: false),
                    Enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    From = table.Column<long>(type: "INTEGER", nullable: true),
                    Until = table.Column<long>(type: "INTEGER", nullable: true),
                    Subject = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    Text = table.Column<string>(type: "TEXT", maxLength: 20000, nullable: false),
                    IntervalDays = table.Column<int>(type: "INTEGER", nullable: false),
                    KnownSendersOnly = table.Column<bool>(type: "INTEGER", nullable: false),
                    Handle = table.Column<Guid>(type: "TEXT", nullable: false),
                    ChangedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_vacation", x => x.AccountId);
                    table.ForeignKey(
                        name: "FK_vacation_account_AccountId",
                        column: x => x.AccountId,
                        principalTable: "account",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_target_Outside",
                table: "target",
                column: "Outside");

            migrationBuilder.CreateIndex(
                name: "IX_address_MadeById",
                table: "address",
                column: "MadeById");

            migrationBuilder.CreateIndex(
                name: "IX_account_DisplayName_DomainId_State",
                table: "account",
                columns: new[] { "DisplayName", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_LastLoginAt_DomainId_State",
                table: "account",
                columns: new[] { "LastLoginAt", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_SearchText_DomainId_State",
                table: "account",
                columns: new[] { "SearchText", "DomainId", "State" });

            migrationBuilder.CreateIndex(
                name: "IX_account_State_NormalizedUserName_DomainId",
                table: "account",
                columns: new[] { "State", "NormalizedUserName", "DomainId" });

            migrationBuilder.CreateIndex(
                name: "IX_account_SuspendedUntil",
                table: "account",
                column: "SuspendedUntil");

            migrationBuilder.AddForeignKey(
                name: "FK_address_account_MadeById",
                table: "address",
                column: "MadeById",
                principalTable: "account",
                principalColumn: "Id",
                onDelete: ReferentialAction.SetNull);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_address_account_MadeById",
                table: "address");

            migrationBuilder.DropTable(
                name: "last_login");

            migrationBuilder.DropTable(
                name: "preferences");

            migrationBuilder.DropTable(
                name: "vacation");

            migrationBuilder.DropIndex(
                name: "IX_target_Outside",
                table: "target");

            migrationBuilder.DropIndex(
                name: "IX_address_MadeById",
                table: "address");

            migrationBuilder.DropIndex(
                name: "IX_account_DisplayName_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_LastLoginAt_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_SearchText_DomainId_State",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_State_NormalizedUserName_DomainId",
                table: "account");

            migrationBuilder.DropIndex(
                name: "IX_account_SuspendedUntil",
                table: "account");

            migrationBuilder.DropColumn(
                name: "FreeAddresses",
                table: "domain");

            migrationBuilder.DropColumn(
                name: "MaxOwnAliases",
                table: "domain");

            migrationBuilder.DropColumn(
                name: "UsersMayForward",
                table: "domain");

            migrationBuilder.DropColumn(
                name: "MadeById",
                table: "address");

            migrationBuilder.DropColumn(
                name: "SuspendedUntil",
                table: "account");

            migrationBuilder.RenameColumn(
                name: "Details",
                table: "store_task",
                newName: "Folders");

            migrationBuilder.CreateIndex(
                name: "IX_account_DisplayName",
                table: "account",
                column: "DisplayName");

            migrationBuilder.CreateIndex(
                name: "IX_account_LastLoginAt",
                table: "account",
                column: "LastLoginAt");

            migrationBuilder.CreateIndex(
                name: "IX_account_State_NormalizedUserName",
                table: "account",
                columns: new[] { "State", "NormalizedUserName" });
        }
    }
}
